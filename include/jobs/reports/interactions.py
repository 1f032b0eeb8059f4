"""A drift check of interactions as one HTML file: the drift report with other numbers at a glance."""

from __future__ import annotations

from html import escape
from typing import Any

from reports.drift import DriftReport


class InteractionsReport(DriftReport):
    """What the page shows: the content of drift.json as `interactions.py` writes it."""

    def header(self) -> str:
        window, baseline = self.document["window"], self.document["baseline"]
        facts = {
            "Window": f"{window['start'] or 'from the first event'} – {window['end'] or 'to the last'}",
            "Events": f"{window['rows']:,} in {window['files']:,} files",
            "Left out": f"{window['records_outside']:,} outside it, {window['bad_line_count']:,} unreadable",
            "Baseline": f"{baseline['rows']:,} training events",
        }
        note = "What users did, compared with what the recommenders have learned from"
        return self.heading(note, facts)

    def tiles(self) -> str:
        window, baseline = self.document["window"], self.document["baseline"]
        tiles = [
            (name.capitalize(), f"{window[name]:,}", f"the training knows {baseline[name]:,}", "none")
            for name in ("users", "items")
        ]
        tiles += [_tile(signal) for signal in self.document["signals"]]
        cells = "".join(
            f'<div class="tile"><span>{escape(name)}</span>'
            f'<b class="{style}" style="color:var(--tone)">{value}</b><span>{escape(note)}</span></div>'
            for name, value, note, style in tiles
        )
        return f'<div class="tiles">{cells}</div>'


def _tile(signal: dict[str, Any]) -> tuple[str, str, str, str]:
    if signal["name"].startswith("NDCG"):
        note = f"hold-out {signal['before']:.3f}, drift from −{signal['limit']:.0%} on"
        return signal["name"], f"{signal['value']:.3f}", note, signal["band"]
    name = str(signal["name"]).capitalize()
    return name, f"{signal['value']:.1%}", f"drift from {signal['limit']:.0%} on", signal["band"]
