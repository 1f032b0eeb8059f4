"""A list of faults, short enough to be read."""

from __future__ import annotations

MOST = 20  # later faults mostly repeat the first
LONGEST_VALUE = 60  # characters of a value that a fault shows


class Faults:
    """Faults in the order in which they were noticed.

    faults.add_value("items.csv, line 7, column YEAR", "soon", "a whole number")
    """

    def __init__(self) -> None:
        self.texts: list[str] = []

    @property
    def full(self) -> bool:
        """Whether further faults would be left out."""
        return len(self.texts) >= MOST

    def add(self, text: str) -> None:
        """Add a fault; those after the first `MOST` are left out."""
        if not self.full:
            self.texts.append(text)

    def add_value(self, where: str, value: str, expected: str) -> None:
        """Add a value that is not what was expected."""
        long = len(value) > LONGEST_VALUE
        short = f"{value[:LONGEST_VALUE]}... ({len(value)} characters)" if long else value
        self.add(f"{where}: {short!r}; expected {expected}")

    def __str__(self) -> str:
        count = f"the first {MOST} faults" if self.full else f"{len(self.texts)} faults"
        title = count if len(self.texts) > 1 else "1 fault"
        return "\n".join([title, *(f"- {text}" for text in self.texts)])
