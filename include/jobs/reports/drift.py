"""A drift check as one HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.distributions import distribution
from reports.page import Note, Section, Tile, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from drift.profile import Column

PLOTTED = 8  # columns, the first ones of the list
WORDS = {
    "ok": "No drift",
    "watch": "Watch",
    "drift": "Drift",
    "not enough data": "Not enough data",
    "unreadable": "Unreadable",
}


@dataclass(frozen=True)
class DriftReport:
    """What the page shows: the content of drift.json, and the counts that the pictures are made of."""

    document: Mapping[str, Any]
    baseline: Mapping[str, Column]
    window: Mapping[str, Column]
    violations: Sequence[Mapping[str, str]]

    subtitle = "Traffic compared with the training data"

    def html(self) -> Markup:
        """The whole page."""
        window, verdict = self.document["window"], self.document["verdict"]
        content = {
            "title": self.document["title"],
            "subtitle": self.subtitle,
            "facts": self.facts(),
            "verdict": {
                "style": _style(verdict),
                "word": WORDS[verdict],
                "reason": self.document["reason"],
            },
            "tiles": self.tiles(),
            "columns": [_column_row(column) for column in self.compared_columns()],
            "pictures": self.pictures(),
            "quality": self.quality(),
            "violations": self.violations,
            "bad_lines": window["bad_lines"],
            "bad_line_count": window["bad_line_count"],
        }
        return render("drift.html", content)

    def facts(self) -> dict[str, str]:
        """What was compared, for the header."""
        window = self.document["window"]
        left_out = {
            "sent by the workflow itself": window["ignored_records"],
            "outside the window": window["records_outside"],
            "captured twice": window["repeated_records"],
            "unreadable": window["bad_line_count"],
        }
        counts = ", ".join(f"{number:,} {reason}" for reason, number in left_out.items() if number)
        rows, records, files = window["rows"], window["records"], window["files"]
        return {
            "Window": f"{window['start'] or 'from the first record'} – {window['end'] or 'to the last'}",
            "Traffic": f"rows: {rows:,}; records: {records:,}; files: {files:,}",
            "Left out": f"{counts or 'no record'}; {window['misfit_rows']:,} rows of other width",
            "Baseline": f"{self.document['baseline']['rows']:,} training rows",
        }

    def tiles(self) -> list[Tile]:
        """Numbers at a glance: what drifted, positives, violations, quality."""
        columns = self.document["columns"]
        drifted = sum(column["band"] == "drift" for column in columns)
        share, limit = self.document["share"], self.document["drift_share"]
        tiles = [
            _tile(
                "Weight of drifted columns", f"{share:.1%}" if columns else "–", f"drift from {limit:.0%} on"
            ),
            _tile("Drifted columns", f"{drifted}" if columns else "–", f"of {len(columns)}"),
            _tile("Violated constraints", f"{self.document['data_quality']['violations']}", "of the data"),
        ]
        predictions, quality = self.document["predictions"], self.document["model_quality"]
        if predictions and predictions["positive_rate"] is not None:
            before = f"baseline {predictions['baseline_positive_rate']:.2%}"
            tiles.append(_tile("Positive predictions", f"{predictions['positive_rate']:.2%}", before))
        measured = quality["metrics"] if quality else {}
        name, word = ("accuracy", "accuracy") if "accuracy" in measured else ("auc", "ROC AUC")
        if name in measured:
            coverage = f"{word}; truth known of {quality['coverage']:.0%}"
            tiles.append(_tile("Model quality", f"{measured[name]:.4f}", coverage))
        return tiles

    def compared_columns(self) -> list[Mapping[str, Any]]:
        """All columns, and the score as one of them."""
        predictions = self.document["predictions"]
        score = [{**predictions, "band": predictions["score_band"], "weight": None}] if predictions else []
        return [*self.document["columns"], *score]

    def pictures(self) -> list[Section]:
        """Distributions of the score and of the first columns."""
        names = [column["name"] for column in self.document["columns"][:PLOTTED]]
        if self.document["predictions"]:
            names.insert(0, "score")
        return [Section(name, distribution(name, self.baseline[name], self.window[name])) for name in names]

    def quality(self) -> dict[str, Any] | None:
        """Metrics beside their constraints, where ground truth is known."""
        quality = self.document["model_quality"]
        if not quality:
            return None
        metrics = [
            {
                "name": name,
                "value": f"{quality['metrics'][name]:.4f}" if name in quality["metrics"] else "–",
                "limit": _limit(quality["constraints"].get(name)),
                "violated": name in quality["violated"],
                "not_judged": quality["not_judged"].get(name),
            }
            for name in {**quality["metrics"], **quality["not_judged"]}
        ]
        return {**quality, "metrics": metrics, "style": _style(quality["band"])}


def _tile(name: str, value: str, note: str) -> Tile:
    return Tile(name, value, (Note(note),))


def _style(band: str) -> str:
    """The CSS class of a band."""
    return band if band in ("ok", "watch", "drift") else "none"


def _column_row(column: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the table of columns."""
    wasserstein = column["wasserstein"]
    return {
        "name": column["name"],
        "band": column["band"],
        "style": _style(column["band"]),
        "weight": "–" if column["weight"] is None else f"{column['weight']:.1%}",
        "psi": f"{column['psi']:.3f}",
        "numbers": [
            f"{column['noise']:.3f}",
            f"{column['js_distance']:.3f}",
            "–" if wasserstein is None else f"{wasserstein:.3f}",
            f"{column['l_infinity']:.3f}",
            f"{column['p_value']:.2g}",
            f"{column['missing_share']:.1%}",
            f"{column['unknown_share']:.1%}",
        ],
    }


def _limit(limit: Mapping[str, Any] | None) -> str:
    if limit is None:
        return "–"
    least = limit["comparison_operator"] == "LessThanThreshold"
    return f"{'at least' if least else 'at most'} {limit['threshold']:.4f}"
