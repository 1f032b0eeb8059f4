"""A comparison of champion and challenger as one HTML file: of classifiers, or of recommenders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quality.classification import curves
from quality.comparison import SIDES
from reports.page import Note, Section, Tile, render
from reports.plots import Axis, Plot, Series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from quality.comparison import Predictions

BINS = 10


def comparison_page(
    title: str,
    subtitle: str,
    document: Mapping[str, Any],
    metric_titles: Mapping[str, str],
    facts: Mapping[str, str],
    sections: Sequence[Section],
) -> Markup:
    """The whole page.

    :param document: the content of `comparison.json`.
    :param metric_titles: name of a metric → what the page calls it; each has a tile.
    """
    content = {
        "title": f"{title}: champion and challenger",
        "subtitle": subtitle,
        "facts": facts,
        "tiles": [_tile(document, name, text) for name, text in metric_titles.items()],
        "sections": sections,
    }
    return render("comparison.html", content)


def _tile(document: Mapping[str, Any], name: str, text: str) -> Tile:
    """A metric of both sides; the one that decides says so."""
    champion, challenger = (document[side][name] for side in SIDES)
    gain = Note(f"{challenger - champion:+.4f}", "up" if challenger >= champion else "down")
    decides = " · decides" if name == document["metric"] else ""
    return Tile(f"{text}{decides}", f"{challenger:.4f}", (Note(f"champion {champion:.4f}"), gain))


def classifier_sections(
    actual: np.ndarray, predictions: Mapping[str, Predictions], positive: str
) -> list[Section]:
    """Plots of two classifiers.

    :param actual: True where a row is positive, shape (rows,).
    :param predictions: classes and scores of each side, both of shape (rows,).
    :param positive: what the positive class is called.
    """
    return [
        Section("ROC curve", roc(actual, predictions).svg()),
        Section(f"Scores of actual {positive}", score_bars(actual, predictions, positive).svg()),
    ]


def roc(actual: np.ndarray, predictions: Mapping[str, Predictions]) -> Plot:
    """The ROC curves of both sides."""
    lines = [Series("chance", [(0, 0), (1, 1)], "guide")]
    for side in SIDES:
        curve = curves(actual, predictions[side][1])["receiver_operating_characteristic_curve"]
        points = list(zip(curve["false_positive_rates"], curve["true_positive_rates"], strict=True))
        lines.append(Series(side, points))
    return Plot("ROC curve", Axis("false positive rate"), Axis("recall (true positive rate)"), tuple(lines))


def score_bars(actual: np.ndarray, predictions: Mapping[str, Predictions], positive: str) -> Plot:
    """How the scores of the positive rows are distributed, of both sides."""
    edges = np.linspace(0, 1, BINS + 1)
    shares = {side: np.histogram(predictions[side][1][actual], edges)[0] / actual.sum() for side in SIDES}
    bars = tuple(
        Series(side, list(zip(edges[:-1].tolist(), shares[side].tolist(), strict=True)), "bars")
        for side in SIDES
    )
    highest = max(float(share.max()) for share in shares.values())
    return Plot(f"Scores of actual {positive}", Axis("score"), Axis("share", 0, highest), bars)


def recommender_sections(
    document: Mapping[str, Any], metric_titles: Mapping[str, str], cutoffs: Sequence[int]
) -> list[Section]:
    """Plots of two recommenders: each metric over the length of the list.

    :param metric_titles: a metric without its cutoff (`ndcg`) → what the page calls it.
    """
    return [
        Section(text, length_curve(document, metric, text, cutoffs).svg())
        for metric, text in metric_titles.items()
    ]


def length_curve(document: Mapping[str, Any], metric: str, text: str, cutoffs: Sequence[int]) -> Plot:
    """A metric of both sides, the longer the list the further to the right."""
    lines = tuple(
        Series(side, [(float(cutoff), document[side][f"{metric}_{cutoff}"]) for cutoff in cutoffs])
        for side in SIDES
    )
    highest = max(y for line in lines for _, y in line.points) or 1.0
    return Plot(text, Axis("length of the list", 0, max(cutoffs)), Axis(text, 0, highest), lines)
