"""Makes the namespaces of a sandbox and stays in them as process 1 until the sandbox ends.

usage: holder.py DIR LIFETIME [OWNER]

Returns when all is set up, and prints nothing. Process 1 ends after LIFETIME seconds or when the process
OWNER ends; then, or when it is killed, the kernel ends every other process of the sandbox and takes back
its network and mounts. When it ends by itself it removes DIR too.
"""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = \
    0x00020000, 0x04000000, 0x08000000, 0x20000000, 0x40000000
NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET


def start_time(pid):
    """What tells a process from a later one with the same number."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[19]


def hold(directory, lifetime, owner, go, ready):
    os.setsid()
    os.read(go, 1)
    setup = subprocess.run(["bash", os.path.join(os.path.dirname(__file__), "inside.sh"), directory], check=False)
    os.write(ready, bytes([setup.returncode & 0xff]))
    os.close(ready)
    # From here on no process waits for us. Orphans become ours, and must vanish.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    quiet = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(quiet, fd)
    poll = select.poll()
    if owner is not None:
        poll.register(owner, select.POLLIN)
    poll.poll(lifetime * 1000)
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(0)


def main():
    directory, lifetime, *owner = sys.argv[1:]
    owner = os.pidfd_open(int(owner[0])) if owner else None
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NAMESPACES) != 0:
        sys.exit("sandbox: cannot make namespaces: " + os.strerror(ctypes.get_errno()))
    wait_for_go, go = os.pipe()
    wait_for_ready, ready = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        os.close(wait_for_ready)
        hold(directory, int(lifetime), owner, wait_for_go, ready)
    os.close(ready)
    # Before the new /proc, which is ours as well, knows this process no longer.
    with open(os.path.join(directory, "world", "holder"), "w", encoding="ascii") as file:
        file.write(f"{pid} {start_time(pid)}\n")
    os.close(go)
    status = os.read(wait_for_ready, 1)
    if status != b"\0":
        os.kill(pid, signal.SIGKILL)
        sys.exit("sandbox: cannot set up the namespaces")


if __name__ == "__main__":
    main()
