# Runs a program, and prints what it took: exit code, whether it was stopped, seconds from start to end,
# seconds of CPU (user, system), kilobytes of memory. Only a process that runs nothing else can say it: a
# child begins with the memory of the process that starts it, so that it is a small one.
import os
import signal
import sys
import time

limit, output, *command = sys.argv[1:]
descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
streams = [(os.POSIX_SPAWN_DUP2, descriptor, stream) for stream in (1, 2)]
stopped = False


def stop(*_):
    global stopped
    stopped = True
    os.killpg(child, signal.SIGKILL)


# It is stopped with all that it has started, also when it is this program that is stopped.
for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, stop)
since = time.perf_counter()
child = os.posix_spawnp(command[0], command, os.environ, file_actions=streams, setpgroup=0)
signal.setitimer(signal.ITIMER_REAL, float(limit))
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - since
print(os.waitstatus_to_exitcode(status), int(stopped), wall, used.ru_utime, used.ru_stime, used.ru_maxrss)
