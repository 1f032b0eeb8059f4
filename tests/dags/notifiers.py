"""A notifier for the tests, found by its dotted name as any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.sdk import BaseNotifier


class FileNotifier(BaseNotifier):
    """Appends a line to a file."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self.path, self.text = path, text

    def notify(self, context: Any) -> None:
        with Path(self.path).open("a") as file:
            file.write(f"{self.text}\n")


class TemplatedNotifier(FileNotifier):
    """The same with a text that Airflow would render, if it called the notifier."""

    template_fields = ("text",)
