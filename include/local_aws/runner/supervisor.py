"""Runs a command in a folder and ends with its status; when the server (a process id) is gone, it is killed.

python supervisor.py SERVER FOLDER COMMAND...    (standard library only; started by the path-rewriting way)
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
    server, folder, *command = sys.argv[1:]
    stopped: list[int] = []
    signal.signal(
        signal.SIGTERM, lambda number, _: stopped.append(number)
    )  # the command gets it, and decides
    if sys.platform == "linux":  # whoever loses its parent becomes our child, not that of process 1
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    process = subprocess.Popen(
        command, cwd=folder, preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL)
    )
    if stopped:  # it came before there was a command
        process.terminate()
    while (status := process.poll()) is None:
        if os.getppid() != int(server):
            kill_children()
            os.killpg(0, signal.SIGKILL)
        time.sleep(0.05)
    kill_children()
    return 128 - status if status < 0 else status


def kill_children() -> None:
    """Kill our children until none is left: those of a child that dies become ours. Linux only."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while pids := (children.read_text().split() if children.exists() else []):
        for pid in pids:
            os.kill(int(pid), signal.SIGKILL)
        for pid in pids:
            os.waitpid(int(pid), 0)


if __name__ == "__main__":
    sys.exit(main())
