"""How a container runs on a machine without Docker: a process that sees a folder of its own as /opt/ml.

runner = probe()            # tries each kind of isolation and logs which one it takes
process = runner.start(Container(("python3", "train.py"), root=folder), on_line=print)
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from include.local_aws.runner.container import Container
from include.local_aws.runner.isolation import ISOLATIONS, OPT_ML, base_environment
from include.local_aws.runner.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.local_aws.runner.isolation import Isolation

__all__ = ["Container", "Process", "Runner", "RunnerUnavailable", "probe"]

logger = logging.getLogger(__name__)


class RunnerUnavailable(RuntimeError):
    """The requested isolation does not work on this machine."""


class Runner:
    """Starts containers with one kind of isolation."""

    def __init__(self, isolation: Isolation) -> None:
        self._isolation = isolation

    @property
    def mode(self) -> str:
        """`bubblewrap`, `namespaces` or `rewriting`."""
        return self._isolation.name

    def start(self, container: Container, on_line: Callable[[str], None]) -> Process:
        """Start a container.

        :param on_line: called with each line of its output, from a separate thread.
        :raises OSError: when the program that isolates the container cannot be started.
        """
        environment = {**base_environment(), **self._isolation.environment(container)}
        return Process(self._isolation.command(container), environment, on_line)


def probe(mode: str = "auto") -> Runner:
    """A runner with the best isolation that works on this machine, or with the requested one.

    :param mode: `bubblewrap`, `namespaces`, `rewriting`, or `auto` for the best.
    :raises RunnerUnavailable: when the requested isolation does not work here; the text says what is missing.
    """
    for isolation in ISOLATIONS:
        if mode in ("auto", isolation.name):
            if failure := _try(isolation):
                logger.info("Containers cannot run by %s: %s", isolation.name, failure)
            else:
                logger.info("Containers run by %s", isolation.name)
                return Runner(isolation)
    hint = next((isolation.hint for isolation in ISOLATIONS if isolation.name == mode), "unknown")
    raise RunnerUnavailable(f"Containers cannot run by {mode} on this machine: {hint}.")


def _try(isolation: Isolation) -> str:
    """Run a tiny container; an empty text when it can read its folder, else the reason."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "probe").write_text("yes")
        container = Container(("cat", f"{OPT_ML}/probe"), root)
        lines: list[str] = []
        try:
            code = Runner(isolation).start(container, lines.append).wait(20)
        except OSError as error:
            return f"{isolation.hint} ({error})"
    return "" if code == 0 and lines == ["yes"] else f"{isolation.hint} ({' '.join(lines) or code})"
