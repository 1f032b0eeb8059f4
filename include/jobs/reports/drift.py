"""A drift check as one HTML file: no network, no scripts, light and dark, fit for print."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from reports import distributions
from reports.evaluation import STYLE
from reports.plots import STYLE as PLOT_STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from drift.profile import Column

PLOTTED = 8  # columns, the first ones of the list
WORDS = {"ok": "No drift", "watch": "Watch", "drift": "Drift", "not enough data": "Not enough data"}

OWN_STYLE = """
.band { border-radius: 4px; padding: 1px 8px; font-size: 13px; white-space: nowrap;
  color: var(--tone); border: 1px solid var(--tone); }
.ok { --tone: var(--good); } .watch { --tone: #b07a1e; } .drift { --tone: var(--bad); }
.none { --tone: var(--muted); }
.verdict { border-left: 6px solid var(--tone); margin-bottom: 12px; }
.verdict b { font-size: 26px; line-height: 1.25; color: var(--tone); }
.wide { overflow-x: auto; margin-bottom: 12px; }
.list { margin: 0; } .list td, .list th { padding: 4px 10px; text-align: right; white-space: nowrap; }
.list td:first-child, .list th:first-child, .list .text { text-align: left; white-space: normal; }
.list tbody tr { border-top: 1px solid var(--line); }
"""


@dataclass(frozen=True)
class DriftReport:
    """What the page shows: the content of drift.json, and the counts that the pictures are made of."""

    document: Mapping[str, Any]
    baseline: Mapping[str, Column]
    window: Mapping[str, Column]
    violations: Sequence[Mapping[str, str]]

    def html(self) -> str:
        """The whole document."""
        title = escape(self.document["title"])
        body = "".join((self.header(), self.verdict(), self.tiles(), self.columns(), self.plots()))
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}: drift</title>"
            f"<style>{STYLE}{PLOT_STYLE}{distributions.STYLE}{OWN_STYLE}</style></head>"
            f"<body><main>{body}{self.quality()}{self.violated()}{self.bad_lines()}</main></body></html>"
        )

    def header(self) -> str:
        window = self.document["window"]
        left_out = {
            "sent by the workflow itself": window["ignored_records"],
            "outside the window": window["records_outside"],
            "unreadable": window["bad_line_count"],
        }
        others = ", ".join(f"{number:,} {what}" for what, number in left_out.items() if number)
        rows, records, files = window["rows"], window["records"], window["files"]
        facts = {
            "Window": f"{window['start'] or 'from the first record'} – {window['end'] or 'to the last'}",
            "Traffic": f"rows: {rows:,}; records: {records:,}; files: {files:,}",
            "Left out": f"{others or 'no record'}; {window['misfit_rows']:,} rows of other width",
            "Baseline": f"{self.document['baseline']['rows']:,} training rows",
        }
        return self.heading("Traffic compared with the training data", facts)

    def heading(self, note: str, facts: Mapping[str, str]) -> str:
        """Title, what is compared, facts."""
        items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
        return f'<h1>{escape(self.document["title"])}</h1><p class="note">{escape(note)}</p><dl>{items}</dl>'

    def verdict(self) -> str:
        band = self.document["verdict"]
        return (
            f'<section class="verdict {_style(band)}"><b>{WORDS[band]}</b>'
            f"<p>{escape(self.document['reason'])}</p></section>"
        )

    def tiles(self) -> str:
        """Numbers at a glance: what drifted, positives, violations, quality."""
        drifted = [column for column in self.document["columns"] if column["band"] == "drift"]
        shares = f"drift from {self.document['drift_share']:.0%} on"
        tiles = [
            ("Weight of drifted columns", f"{self.document['share']:.1%}", shares),
            ("Drifted columns", f"{len(drifted)}", f"of {len(self.document['columns'])}"),
            ("Violated constraints", f"{self.document['data_quality']['violations']}", "of the data"),
        ]
        predictions, quality = self.document["predictions"], self.document["model_quality"]
        if predictions and predictions["positive_rate"] is not None:
            before = f"baseline {predictions['baseline_positive_rate']:.2%}"
            tiles.append(("Positive predictions", f"{predictions['positive_rate']:.2%}", before))
        if quality:
            known = f"accuracy; truth known of {quality['coverage']:.0%}"
            tiles.append(("Model quality", f"{quality['metrics']['accuracy']:.4f}", known))
        cells = "".join(
            f'<div class="tile"><span>{escape(name)}</span><b>{value}</b><span>{escape(note)}</span></div>'
            for name, value, note in tiles
        )
        return f'<div class="tiles">{cells}</div>'

    def columns(self) -> str:
        """The table of all columns, and of the score."""
        predictions = self.document["predictions"]
        score = [{**predictions, "band": predictions["score_band"], "weight": None}] if predictions else []
        listed = [*self.document["columns"], *score]
        if not listed:
            return ""
        head = ("column", "band", "weight", "PSI", "noise", "JS", "Wasserstein", "L∞", "p", "missing", "new")
        rows = [[escape(column["name"]), _badge(column["band"]), *_numbers(column)] for column in listed]
        note = (
            "PSI less its bias; noise is what chance exceeds in one of a thousand windows; "
            "Wasserstein in standard deviations. The effect decides, p only colours."
        )
        table = _table(head, rows)
        return f'<section class="wide"><h2>Columns</h2>{table}<p class="note">{note}</p></section>'

    def plots(self) -> str:
        names = [column["name"] for column in self.document["columns"][:PLOTTED]]
        if self.document["predictions"]:
            names.insert(0, "score")
        sections = "".join(
            f"<section><h2>{escape(name)}</h2>"
            f"{distributions.distribution(name, self.baseline[name], self.window[name])}</section>"
            for name in names
        )
        return f'<div class="plots">{sections}</div>'

    def quality(self) -> str:
        """Metrics beside their constraints, where ground truth is known."""
        quality = self.document["model_quality"]
        if not quality:
            return ""
        rows = [
            [name, f"{value:.4f}", *_limit(quality["constraints"].get(name)), _broken(name, quality)]
            for name, value in quality["metrics"].items()
        ]
        head = ("metric", "window", "limit", "")
        title = f"Model quality, {quality['rows']:,} rows whose truth is known"
        return f'<section class="wide"><h2>{title}</h2>{_table(head, rows)}</section>'

    def violated(self) -> str:
        if not self.violations:
            return ""
        rows = [
            [
                escape(one["feature_name"]),
                escape(one["constraint_check_type"]),
                f'<span class="text">{escape(one["description"])}</span>',
            ]
            for one in self.violations
        ]
        table = _table(("column", "check", "description"), rows)
        return f'<section class="wide"><h2>Violated constraints</h2>{table}</section>'

    def bad_lines(self) -> str:
        window = self.document["window"]
        if not window["bad_line_count"]:
            return ""
        rows = [[escape(one["file"]), str(one["line"]), escape(one["reason"])] for one in window["bad_lines"]]
        title = f"Lines that could not be used: {window['bad_line_count']:,}, the first {len(rows)} of them"
        table = _table(("file", "line", "reason"), rows)
        return f'<section class="wide"><h2>{title}</h2>{table}</section>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    heads = "".join(f'<th scope="col">{name}</th>' for name in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="list"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>'


def _style(band: str) -> str:
    return band if band in ("ok", "watch", "drift") else "none"


def _badge(band: str) -> str:
    return f'<span class="band {_style(band)}">{escape(band)}</span>'


def _numbers(column: Mapping[str, Any]) -> list[str]:
    """The cells after column and band."""
    far = column["wasserstein"]
    return [
        "–" if column["weight"] is None else f"{column['weight']:.1%}",
        f"<b>{column['psi']:.3f}</b>",
        f"{column['noise']:.3f}",
        f"{column['js_distance']:.3f}",
        "–" if far is None else f"{far:.3f}",
        f"{column['l_infinity']:.3f}",
        f"{column['p_value']:.2g}",
        f"{column['missing_share']:.1%}",
        f"{column['unknown_share']:.1%}",
    ]


def _limit(limit: Mapping[str, Any] | None) -> list[str]:
    if limit is None:
        return ["–"]
    least = limit["comparison_operator"] == "LessThanThreshold"
    return [f"{'at least' if least else 'at most'} {limit['threshold']:.4f}"]


def _broken(name: str, quality: Mapping[str, Any]) -> str:
    if name not in quality["violated"]:
        return ""
    return _badge(quality["band"])
