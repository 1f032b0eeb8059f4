"""The results of a benchmark and of its peer as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Row:
    """One measurement of this project and of a peer.

    :param what: what is measured.
    :param more_is_better: whether a larger number is better.
    """

    what: str
    result: float
    peer: float
    unit: str
    peer_name: str
    more_is_better: bool = True

    @property
    def ratio(self) -> float:
        """How many times better this project is than the peer; below 1 it is worse."""
        return self.result / self.peer if self.more_is_better else self.peer / self.result


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | ours | peer | unit | times better |", "|---|---:|---:|---|---:|"]
    for row in rows:
        peer = f"{_number(row.peer)} ({row.peer_name})"
        lines.append(f"| {row.what} | {_number(row.result)} | {peer} | {row.unit} | {row.ratio:.2g} |")
    return "\n".join(lines)


def print_table(rows: Iterable[Row]) -> None:
    """Print the rows as a Markdown table."""
    print(table(rows))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
