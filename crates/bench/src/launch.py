# Runs a program, and prints what it took: exit code, whether it was stopped, seconds from start to end,
# seconds of CPU (user, system), kilobytes of memory. Only a process that runs nothing else can measure it: a
# child begins with the memory of the process that starts it, so that this must be a small one.
import os
import signal
import sys
import time

STOPS = (signal.SIGALRM, signal.SIGINT, signal.SIGTERM)

limit, output, *command = sys.argv[1:]
descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
streams = [(os.POSIX_SPAWN_DUP2, descriptor, stream) for stream in (1, 2)]
stopped = False


def stop(*_):
    global stopped
    stopped = True
    os.killpg(child, signal.SIGKILL)


# A program that takes too long, or outlives this one, is stopped with all that it has started. The signals wait
# while there is no child to stop: before it is started, and after it has ended.
signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
for number in STOPS:
    signal.signal(number, stop)
signal.setitimer(signal.ITIMER_REAL, float(limit))
since = time.perf_counter()
child = os.posix_spawnp(command[0], command, os.environ, file_actions=streams, setpgroup=0, setsigmask=())
signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
# The child keeps its process group until it is asked for its usage.
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
wall = time.perf_counter() - since
signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
_, status, used = os.wait4(child, 0)
code = os.waitstatus_to_exitcode(status)
stopped = stopped and code == -signal.SIGKILL
print(code, int(stopped), wall, used.ru_utime, used.ru_stime, used.ru_maxrss)
