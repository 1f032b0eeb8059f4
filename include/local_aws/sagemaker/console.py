"""What a job's containers print: to CloudWatch line by line, the last lines into the failure's reason."""

from __future__ import annotations

import signal
from collections import deque
from typing import TYPE_CHECKING

from include.local_aws.sagemaker.jobs import REASON_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from include.local_aws.sagemaker.job import Job
    from include.local_aws.sagemaker.jobs import Jobs

LAST_LINES = 10
PREFIXES = ("AlgorithmError:", "ClientError:", "InternalServerError:")


class Console:
    """Called with every line of every host; `job.run(containers, console)`."""

    def __init__(self, jobs: Jobs, job: Job, hosts: Iterable[str]) -> None:
        self._log: Mapping[str, Callable[[str], None]] = {host: jobs.log(job, host) for host in hosts}
        self._last: Mapping[str, deque[str]] = {host: deque(maxlen=LAST_LINES) for host in self._log}

    def __call__(self, host: str, line: str) -> None:
        self._log[host](line)
        if line.strip():
            self._last[host].append(line)

    def reason(self, host: str, code: int, explanation: str = "") -> str:
        """The FailureReason after a container failed: its own explanation, else its last lines."""
        start = "" if explanation.startswith(PREFIXES) else f"{PREFIXES[0]} "
        if code > 128:
            start += f"ended by {_signal_name(code - 128)}: "
        end = f", exit code: {code}"
        room = REASON_CHARACTERS - len(start) - len(end)
        last = "\n".join(self._last[host]) or "the container printed nothing"
        return start + (explanation.strip()[:room] or last[-room:]) + end


def _signal_name(number: int) -> str:
    known = {s.value: s.name for s in signal.Signals}
    return known.get(number, f"signal {number}")
