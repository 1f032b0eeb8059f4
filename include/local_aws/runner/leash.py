"""Runs a command in a folder and ends with its status; when the server is gone, the command is killed.

python leash.py FOLDER COMMAND...    (standard library only; started by the path-rewriting way)
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time


def main() -> int:
    folder, *command = sys.argv[1:]
    server = os.getppid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the command gets it as well, and decides
    process = subprocess.Popen(
        command, cwd=folder, preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL)
    )
    while (status := process.poll()) is None:
        if os.getppid() != server:
            os.killpg(0, signal.SIGKILL)
        time.sleep(0.05)
    return 128 - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main())
