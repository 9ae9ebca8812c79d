"""Runs a command inside a sandbox.

usage: enter.py DIR COMMAND [ARGUMENT]...

It behaves like the command itself: same working directory, standard streams and exit status; signals are
handed on, and the command dies with it.
"""

import ctypes
import os
import signal
import sys

from holder import NAMESPACES, start_time

HANDED_ON = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
             signal.SIGWINCH, signal.SIGCONT}
PR_SET_PDEATHSIG = 1


def holder_of(directory):
    """The process number of a living sandbox, or None."""
    try:
        with open(os.path.join(directory, "world", "holder"), encoding="ascii") as file:
            pid, started = file.read().split()
        return int(pid) if start_time(pid) == started else None
    except (OSError, ValueError):
        return None


def main():
    directory, *command = sys.argv[1:]
    pid = holder_of(directory)
    if pid is None:
        sys.exit(f"sandbox: {directory} is not up")
    libc = ctypes.CDLL(None, use_errno=True)
    cwd = os.getcwd()
    if libc.setns(os.pidfd_open(pid), NAMESPACES) != 0:
        sys.exit("sandbox: cannot enter: " + os.strerror(ctypes.get_errno()))
    try:
        os.chdir(cwd)
    except OSError:
        os.chdir("/")
    signals = HANDED_ON | {signal.SIGCHLD}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    child = os.fork()
    if child == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            print(f"sandbox: {command[0]}: {error.strerror}", file=sys.stderr)
            os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    while True:
        got = signal.sigwaitinfo(signals)
        if got.si_signo != signal.SIGCHLD:
            # What comes from the terminal (no sender) has reached the command already.
            if got.si_pid:
                os.kill(child, got.si_signo)
            continue
        done, status = os.waitpid(child, os.WNOHANG)
        if done and not os.WIFSTOPPED(status):
            break
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        signal.signal(number, signal.SIG_DFL) if number not in (signal.SIGKILL, signal.SIGSTOP) else None
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xff)


if __name__ == "__main__":
    main()
