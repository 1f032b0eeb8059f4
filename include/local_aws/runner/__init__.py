"""How a container runs on a machine without Docker: a process that sees a folder of its own as /opt/ml.

runner = probe()            # tries the ways for real and says which one it takes
process = runner.start(Container(("python3", "train.py"), root=folder), on_line=print)
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from include.local_aws.runner.container import Container
from include.local_aws.runner.isolation import OPT_ML, WAYS, base_environment
from include.local_aws.runner.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.local_aws.runner.isolation import Way

__all__ = ["Container", "Process", "Runner", "RunnerUnavailable", "probe"]

logger = logging.getLogger(__name__)


class RunnerUnavailable(RuntimeError):
    """The way that was asked for does not work on this machine."""


class Runner:
    """Starts containers in one of the ways."""

    def __init__(self, way: Way) -> None:
        self._way = way

    @property
    def mode(self) -> str:
        """`bubblewrap`, `namespaces` or `rewriting`."""
        return self._way.name

    def start(self, container: Container, on_line: Callable[[str], None]) -> Process:
        """Start a container; `on_line` gets its output line by line, from a thread of its own."""
        environment = {**base_environment(), **self._way.environment(container)}
        return Process(self._way.command(container), environment, on_line)


def probe(wanted: str = "auto") -> Runner:
    """The best way that works here, or the one that is wanted.

    :raises RunnerUnavailable: when the wanted way does not work.
    """
    for way in WAYS:
        if wanted in ("auto", way.name):
            if failure := _try(way):
                logger.info("Containers cannot run by %s: %s", way.name, failure)
            else:
                logger.info("Containers run by %s", way.name)
                return Runner(way)
    hint = next((way.hint for way in WAYS if way.name == wanted), "unknown")
    raise RunnerUnavailable(f"Containers cannot run by {wanted} on this machine: {hint}.")


def _try(way: Way) -> str:
    """Run a tiny container; an empty text when it saw its folder, else what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "seen").write_text("yes")
        container = Container(("cat", f"{OPT_ML}/seen"), root)
        lines: list[str] = []
        try:
            code = Runner(way).start(container, lines.append).wait(20)
        except OSError as error:
            return f"{way.hint} ({error})"
    return "" if code == 0 and lines == ["yes"] else f"{way.hint} ({' '.join(lines) or code})"
