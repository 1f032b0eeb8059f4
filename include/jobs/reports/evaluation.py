"""An evaluation as one HTML file: no network, no scripts, light and dark, fit for print."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from quality.classification import count, rates
from reports.plots import STYLE as PLOT_STYLE
from reports.plots import Axis, Plot, Series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TILES = {  # metric → what it is called
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "auc": "ROC AUC",
    "pr_auc": "PR AUC",
}
BINS = 20
CALIBRATION_BINS = 10

STYLE = """
:root { color-scheme: light dark; --page: #f5f6f8; --card: #fff; --line: #e3e7ec; --text: #1c2430;
  --muted: #5d6877; --series-0: #2563a8; --series-1: #d1702a; --series-2: #2f8f6b;
  --good: #1f7a4d; --bad: #b3402e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14181e; --card: #1d232c; --line: #303845; --text: #e6e9ee;
    --muted: #9aa5b4; --series-0: #6aa7e8; --series-1: #eda063; --series-2: #62c49b;
    --good: #6cc79a; --bad: #ee8d7c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 48px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 15px; margin: 0 0 8px; }
p { margin: 0 0 8px; }
.note, dt, th, small { color: var(--muted); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 12px 0 24px; }
dd { margin: 0; overflow-wrap: anywhere; }
.tiles, .plots { display: grid; gap: 12px; margin-bottom: 12px; }
.tiles { grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
.plots { grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); }
.tile, section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.tile, section { padding: 14px 16px; break-inside: avoid; }
.tile b { display: block; font-size: 26px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: 13px; display: block; }
.tile .up { color: var(--good); } .tile .down { color: var(--bad); }
table { border-collapse: collapse; width: 100%; margin-top: 24px; font-variant-numeric: tabular-nums; }
th { font-weight: 500; padding: 6px 10px; }
td.cell { border: 1px solid var(--line); padding: 24px 10px; text-align: center;
  background: color-mix(in srgb, var(--series-0) calc(var(--share) * 40%), transparent); }
td.cell b { display: block; font-size: 22px; line-height: 1.2; }
td.cell small { color: var(--text); }
.side { writing-mode: vertical-rl; transform: rotate(180deg); }
@media print { body { background: none; } main { padding: 0; } }
"""


def page(
    title: str,
    subtitle: str,
    facts: Mapping[str, str],
    tiles: str,
    sections: Sequence[tuple[str, str]],
    note: str = "",
) -> str:
    """A whole HTML document: header, facts, tiles, sections of a title and their HTML."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    body = "".join(f"<section><h2>{escape(name)}</h2>{content}</section>" for name, content in sections)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{PLOT_STYLE}</style></head>"
        f'<body><main><h1>{escape(title)}</h1><p class="note">{escape(subtitle)}</p><dl>{items}</dl>'
        f'<div class="tiles">{tiles}</div>{_note(note)}<div class="plots">{body}</div></main></body></html>'
    )


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>' if text else ""


@dataclass(frozen=True)
class Report:
    """What a report shows: predictions with their truth, the metrics, and what they are compared with."""

    title: str
    actual: np.ndarray  # bool, shape (rows,)
    predicted: np.ndarray  # bool, shape (rows,)
    scores: np.ndarray  # probabilities of the positive class, shape (rows,)
    labels: tuple[str, str]  # names of the classes: negative, positive
    threshold: float
    metrics: dict[str, Any]  # classification.evaluate(...)
    facts: Mapping[str, str] = field(default_factory=dict)  # shown in the header: run, data source, ...
    published: Mapping[str, float] = field(default_factory=dict)
    published_source: str = ""

    def html(self) -> str:
        """The whole document."""
        sections = [
            ("Confusion matrix", self.matrix()),
            ("ROC curve", self.roc().svg()),
            ("Precision and recall", self.precision_recall().svg()),
            ("Scores by class", self.histogram().svg()),
            ("Choice of threshold", self.trade_off().svg()),
            ("Calibration", self.calibration().svg()),
        ]
        facts = {
            **self.facts,
            "Rows": f"{len(self.actual):,}, of them {int(self.actual.sum()):,} positive",
            "Positive class": f"“{self.labels[1]}”, predicted where the score is above {self.threshold:g}",
        }
        note = f"Published: {self.published_source}" if self.published else ""
        tiles = "".join(self._tile(name, title) for name, title in TILES.items())
        return page(f"{self.title}: evaluation", "Evaluation on held-out rows", facts, tiles, sections, note)

    def _tile(self, name: str, title: str) -> str:
        value = self.metrics[name]["value"]
        beside = self._beside(name, value)
        return f'<div class="tile"><span>{escape(title)}</span><b>{value:.4f}</b>{beside}</div>'

    def _beside(self, name: str, value: float) -> str:
        """The published number and the difference to it, where there is one."""
        if name not in self.published:
            return ""
        difference = value - self.published[name]
        style = "up" if difference >= 0 else "down"
        return (
            f'<span>published {self.published[name]:.4f}</span><span class="{style}">{difference:+.4f}</span>'
        )

    def matrix(self) -> str:
        """The confusion matrix: a row for each actual class, a column for each predicted one."""
        cells = count(self.actual, self.predicted)
        heads = "".join(f'<th scope="col">{escape(label)}</th>' for label in self.labels)
        negative, positive = (
            f'<th scope="row">{escape(label)}</th>{_cells(cells[actual], label)}'
            for actual, label in zip("01", self.labels, strict=True)
        )
        return (
            '<table class="confusion"><thead><tr><td colspan="2"></td><th colspan="2">predicted</th></tr>'
            f'<tr><td colspan="2"></td>{heads}</tr></thead><tbody>'
            f'<tr><th rowspan="2"><span class="side">actual</span></th>{negative}</tr><tr>{positive}</tr>'
            "</tbody></table>"
        )

    def roc(self) -> Plot:
        curve = self.metrics["receiver_operating_characteristic_curve"]
        points = list(zip(curve["false_positive_rates"], curve["true_positive_rates"], strict=True))
        here = (self._value("false_positive_rate"), self._value("recall"))
        return Plot(
            "ROC curve",
            Axis("false positive rate"),
            Axis("recall (true positive rate)"),
            (
                Series("chance", [(0, 0), (1, 1)], "guide"),
                Series(f"model, area {self._value('auc'):.3f}", points),
                Series(f"threshold {self.threshold:g}", [here], "marks"),
            ),
        )

    def precision_recall(self) -> Plot:
        curve = self.metrics["precision_recall_curve"]
        points = list(zip(curve["recalls"], curve["precisions"], strict=True))
        prevalence = float(self.actual.mean())
        here = (self._value("recall"), self._value("precision"))
        return Plot(
            "Precision and recall",
            Axis("recall"),
            Axis("precision"),
            (
                Series("chance", [(0, prevalence), (1, prevalence)], "guide"),
                Series(f"average precision {self._value('pr_auc'):.3f}", points),
                Series(f"threshold {self.threshold:g}", [here], "marks"),
            ),
        )

    def histogram(self) -> Plot:
        """Shares within each class, so that a rare class is as visible as the other."""
        edges = np.linspace(0, 1, BINS + 1)
        bars = []
        for label, members in zip(self.labels, (~self.actual, self.actual), strict=True):
            shares = np.histogram(self.scores[members], edges)[0] / members.sum()
            points = list(zip(edges[:-1].tolist(), shares.tolist(), strict=True))
            bars.append(Series(f"actual {label}", points, "bars"))
        top = max(share for series in bars for _, share in series.points)
        return Plot(
            "Scores by class",
            Axis("score"),
            Axis("share of the class", 0, top),
            (*bars, self._threshold_guide(top)),
        )

    def trade_off(self) -> Plot:
        """Precision, recall and F1 at every threshold; precision ends where nothing is positive any more."""
        thresholds = [n / 100 for n in range(100)]
        lines: dict[str, list[tuple[float, float]]] = {"precision": [], "recall": [], "f1": []}
        for threshold in thresholds:
            predicted = self.scores > threshold
            measured = rates(count(self.actual, predicted))
            for name, points in lines.items():
                if name != "precision" or predicted.any():
                    points.append((threshold, measured[name]))
        series = [Series(TILES[name], points) for name, points in lines.items()]
        return Plot(
            "Choice of threshold", Axis("threshold"), Axis("metric"), (*series, self._threshold_guide(1.0))
        )

    def _threshold_guide(self, top: float) -> Series:
        return Series(f"threshold {self.threshold:g}", [(self.threshold, 0), (self.threshold, top)], "guide")

    def calibration(self) -> Plot:
        """Observed share of positives against the mean score, in bins of equal width that hold any row."""
        which = np.minimum((self.scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
        members = [which == n for n in range(CALIBRATION_BINS) if (which == n).any()]
        points = [(float(self.scores[rows].mean()), float(self.actual[rows].mean())) for rows in members]
        return Plot(
            "Calibration",
            Axis("mean predicted score"),
            Axis("observed share of positives"),
            (
                Series("perfect", [(0, 0), (1, 1)], "guide"),
                Series("model", points),
                Series("", points, "marks", colour=0),
            ),
        )

    def _value(self, name: str) -> float:
        return float(self.metrics[name]["value"])


def _cells(row: Mapping[str, int], label: str) -> str:
    """The table cells of one actual class: counts, and their shares of the class."""
    total = sum(row.values())
    return "".join(
        f'<td class="cell" style="--share:{number / total:.3f}"><b>{number:,}</b>'
        f"<small>{number / total:.1%} of actual {escape(label)}</small></td>"
        for number in row.values()
    )
