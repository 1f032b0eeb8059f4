"""Supervisor of a container without isolation: runs a command in a folder and exits with its status.

python supervisor.py SERVER FOLDER COMMAND...

SERVER is the server's process id: when that process has ended, the command is killed. Standard library only;
`isolation.PathRewriting` starts it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main() -> int:
    """Run the command and return its exit code, 128 + number for a signal."""
    server, folder, *command = sys.argv[1:]
    received: list[int] = []
    # the command gets the signal, too, and decides what to do
    signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    if sys.platform == "linux":  # a process whose parent ends becomes our child, not that of process 1
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    process = subprocess.Popen(
        command, cwd=folder, preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL)
    )
    if received:  # before the command was started
        process.terminate()
    while (status := process.poll()) is None:
        if os.getppid() != int(server):
            kill_children()
            os.killpg(0, signal.SIGKILL)
        time.sleep(0.05)
    kill_children()
    return 128 - status if status < 0 else status


def kill_children() -> None:
    """Kill our children until none is left; orphans become our children. Linux only."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while pids := (children.read_text().split() if children.exists() else []):
        for pid in pids:
            os.kill(int(pid), signal.SIGKILL)
        for pid in pids:
            os.waitpid(int(pid), 0)


if __name__ == "__main__":
    sys.exit(main())
