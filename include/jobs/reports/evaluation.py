"""An evaluation as one HTML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from quality.classification import METRIC_TITLES, count, rates
from reports.page import Note, Section, Tile, render
from reports.plots import Axis, Plot, Series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

BINS = 20
CALIBRATION_BINS = 10


@dataclass(frozen=True)
class EvaluationReport:
    """What a report shows: predictions with their truth, the metrics, and what they are held against."""

    title: str
    actual: np.ndarray  # bool, shape (rows,)
    predicted: np.ndarray  # bool, shape (rows,)
    scores: np.ndarray  # probabilities of the positive class, shape (rows,)
    labels: tuple[str, str]  # as they are in the data: negative, positive
    classes: tuple[str, str]  # what people call them
    threshold: float
    metrics: dict[str, Any]  # quality.classification.evaluate(...)
    gates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # quality.gates.check_gates(...)
    facts: Mapping[str, str] = field(default_factory=dict)  # in the header: run, data source, ...
    published: Mapping[str, float] = field(default_factory=dict)
    published_source: str = ""

    def html(self) -> Markup:
        """The whole page."""
        names = [*METRIC_TITLES, *(name for name in self.gates if name not in METRIC_TITLES)]
        content = {
            "title": f"{self.title}: evaluation",
            "subtitle": "Evaluation on held-out rows",
            "facts": self.header_facts(),
            "tiles": [self.tile(name) for name in names],
            "source": self.published_source if self.published else "",
            "sections": self.sections(),
        }
        return render("evaluation.html", content)

    def header_facts(self) -> dict[str, str]:
        label = "" if self.classes[1] == self.labels[1] else f" (label “{self.labels[1]}”)"
        rule = f"predicted where the score is above {self.threshold:g}"
        return {
            **self.facts,
            "Rows": f"{len(self.actual):,}, of them {int(self.actual.sum()):,} positive",
            "Positive class": f"“{self.classes[1]}”{label}, {rule}",
        }

    def sections(self) -> list[Section]:
        return [
            Section("Confusion matrix", self.matrix()),
            Section("ROC curve", self.roc().svg()),
            Section("Precision and recall", self.precision_recall().svg()),
            Section("Scores by class", self.histogram().svg()),
            Section("Choice of threshold", self.trade_off().svg()),
            Section("Calibration", self.calibration().svg()),
        ]

    def tile(self, name: str) -> Tile:
        """A metric with the published number and its gate, where there are any."""
        title = METRIC_TITLES.get(name, name.replace("_", " ").capitalize())
        value = self.metrics.get(name, {}).get("value", float("nan"))
        return Tile(title, f"{value:.4f}", (*self._published_notes(name, value), *self._gate_notes(name)))

    def _published_notes(self, name: str, value: float) -> list[Note]:
        if name not in self.published:
            return []
        difference = value - self.published[name]
        style = "up" if difference >= 0 else "down"
        return [Note(f"published {self.published[name]:.4f}"), Note(f"{difference:+.4f}", style)]

    def _gate_notes(self, name: str) -> list[Note]:
        if name not in self.gates:
            return []
        passed = self.gates[name]["passed"]
        text = f"gate {self.gates[name]['least']:g}, {'passed' if passed else 'missed'}"
        return [Note(text, "up" if passed else "down")]

    def matrix(self) -> Markup:
        """The confusion matrix: a row for each actual class, a column for each predicted one."""
        cells = count(self.actual, self.predicted)
        rows = [
            (name, [(number, number / sum(cells[actual].values())) for number in cells[actual].values()])
            for actual, name in zip("01", self.classes, strict=True)
        ]
        return render("confusion.html", {"classes": self.classes, "rows": rows})

    def roc(self) -> Plot:
        curve = self.metrics["receiver_operating_characteristic_curve"]
        points = list(zip(curve["false_positive_rates"], curve["true_positive_rates"], strict=True))
        operating_point = (self._value("false_positive_rate"), self._value("recall"))
        return Plot(
            "ROC curve",
            Axis("false positive rate"),
            Axis("recall (true positive rate)"),
            (
                Series("chance", [(0, 0), (1, 1)], "guide"),
                Series(f"model, area {self._value('auc'):.3f}", points),
                Series(f"threshold {self.threshold:g}", [operating_point], "marks"),
            ),
        )

    def precision_recall(self) -> Plot:
        curve = self.metrics["precision_recall_curve"]
        points = list(zip(curve["recalls"], curve["precisions"], strict=True))
        prevalence = float(self.actual.mean())
        operating_point = (self._value("recall"), self._value("precision"))
        return Plot(
            "Precision and recall",
            Axis("recall"),
            Axis("precision"),
            (
                Series("chance", [(0, prevalence), (1, prevalence)], "guide"),
                Series(f"average precision {self._value('pr_auc'):.3f}", points),
                Series(f"threshold {self.threshold:g}", [operating_point], "marks"),
            ),
        )

    def histogram(self) -> Plot:
        """Shares within each class, so that a rare class is as visible as the other."""
        edges = np.linspace(0, 1, BINS + 1)
        bars = []
        for name, members in zip(self.classes, (~self.actual, self.actual), strict=True):
            shares = np.histogram(self.scores[members], edges)[0] / members.sum()
            points = list(zip(edges[:-1].tolist(), shares.tolist(), strict=True))
            bars.append(Series(f"actual {name}", points, "bars"))
        top = max(share for series in bars for _, share in series.points)
        return Plot(
            "Scores by class",
            Axis("score"),
            Axis("share of the class", 0, top),
            (*bars, self._threshold_guide(top)),
        )

    def trade_off(self) -> Plot:
        """Precision, recall and F1 at every threshold; precision ends where no row is predicted positive."""
        thresholds = [n / 100 for n in range(100)]
        lines: dict[str, list[tuple[float, float]]] = {"precision": [], "recall": [], "f1": []}
        for threshold in thresholds:
            predicted = self.scores > threshold
            measured = rates(count(self.actual, predicted))
            for name, points in lines.items():
                if name != "precision" or predicted.any():
                    points.append((threshold, measured[name]))
        series = [Series(METRIC_TITLES[name], points) for name, points in lines.items()]
        return Plot(
            "Choice of threshold", Axis("threshold"), Axis("metric"), (*series, self._threshold_guide(1.0))
        )

    def _threshold_guide(self, top: float) -> Series:
        return Series(f"threshold {self.threshold:g}", [(self.threshold, 0), (self.threshold, top)], "guide")

    def calibration(self) -> Plot:
        """Observed share of positives against the mean score, in bins of equal width that hold any row.

        A reliability diagram: Niculescu-Mizil and Caruana, ICML 2005.
        """
        bins = np.minimum((self.scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
        members = [bins == n for n in range(CALIBRATION_BINS) if (bins == n).any()]
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
