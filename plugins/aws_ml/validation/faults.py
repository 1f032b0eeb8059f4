"""A list of what is wrong, short enough to be read."""

from __future__ import annotations

MOST = 20  # later ones are mostly the first one again
SHOWN = 60  # characters of a value


class Faults:
    """What is wrong, in the order in which it was found.

    faults.value("items.csv, line 7, column YEAR", "soon", "a whole number")
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    @property
    def full(self) -> bool:
        """Whether it makes no sense to look for more."""
        return len(self.found) >= MOST

    def add(self, text: str) -> None:
        """Note a fault; those after the first `MOST` are left out."""
        if not self.full:
            self.found.append(text)

    def value(self, where: str, value: str, expected: str) -> None:
        """Note a value that is not what was expected."""
        shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}... ({len(value)} characters)"
        self.add(f"{where}: {shown!r}; expected {expected}")

    def __str__(self) -> str:
        count = f"the first {MOST} faults" if self.full else f"{len(self.found)} faults"
        return "\n".join([count if len(self.found) > 1 else "1 fault", *(f"- {one}" for one in self.found)])
