"""A drift check of interactions as one HTML file: the drift report with other numbers at a glance."""

from __future__ import annotations

from typing import Any

from reports.drift import DriftReport
from reports.page import Note, Tile


class InteractionsReport(DriftReport):
    """What the page shows: the content of drift.json as `monitor_interactions.py` writes it."""

    subtitle = "What users did, compared with what the recommenders have learned from"

    def facts(self) -> dict[str, str]:
        """What was compared, for the header."""
        window, baseline = self.document["window"], self.document["baseline"]
        return {
            "Window": f"{window['start'] or 'from the first event'} – {window['end'] or 'to the last'}",
            "Events": f"{window['rows']:,} in {window['files']:,} files",
            "Left out": f"{window['records_outside']:,} outside it, {window['bad_line_count']:,} unreadable",
            "Baseline": f"{baseline['rows']:,} training events",
        }

    def tiles(self) -> list[Tile]:
        """Users, items, and each signal."""
        window, baseline = self.document["window"], self.document["baseline"]
        counts = []
        for name in ("users", "items"):
            note = Note(f"{baseline[name]:,} in the training")
            counts.append(Tile(name.capitalize(), f"{window[name]:,}", (note,), "none"))
        return [*counts, *(_signal_tile(signal) for signal in self.document["signals"])]


def _signal_tile(signal: dict[str, Any]) -> Tile:
    if signal["name"].startswith("NDCG"):
        note = Note(f"hold-out {signal['before']:.3f}, drift from −{signal['limit']:.0%} on")
        return Tile(signal["name"], f"{signal['value']:.3f}", (note,), signal["band"])
    note = Note(f"drift from {signal['limit']:.0%} on")
    return Tile(signal["name"].capitalize(), f"{signal['value']:.1%}", (note,), signal["band"])
