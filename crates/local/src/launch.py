# Runs the emulator in this process. Standard input is the locked run file. The duplicate made here is
# not inherited by child processes, so the lock lasts exactly as long as this process, however it ends.
import os
import runpy

os.setsid()
os.dup(0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
