# Becomes the emulator. Standard input is the locked run file: a duplicate that no child inherits
# keeps the lock for exactly as long as this process lives, whatever ends it.
import os
import runpy

os.setsid()
os.dup(0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
