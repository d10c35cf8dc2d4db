# Runs the emulator given as arguments until standard input closes, which happens however the test
# ends. The emulator leads a session of its own, so that its functions end with it.
import os
import signal
import subprocess
import sys
import threading

child = subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=subprocess.DEVNULL,
                         start_new_session=True)
# Ctrl-C and the like reach the test as well: its end closes the input, and that ends the emulator.
for deaf in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(deaf, signal.SIG_IGN)


def end_with_child():
    child.wait()
    os._exit(1)


threading.Thread(target=end_with_child, daemon=True).start()
sys.stdin.buffer.read()
child.terminate()
try:
    child.wait(5)
except subprocess.TimeoutExpired:
    pass
try:
    os.killpg(child.pid, signal.SIGKILL)
except ProcessLookupError:
    pass
