"""The HTML report: one file, well-formed, escaped, with the matrix the right way round."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from quality.classification import evaluate
from reports.evaluation import EvaluationReport
from reports.plots import Axis, Plot, Series

VOID = {"meta"}
EVIL = "<script>alert('Q&A')</script>"


class Page(HTMLParser):
    """Checks the nesting of elements and keeps the text of the table cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.cells[-1] += data


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    actual = np.array([True] * 48 + [False] * 286)
    scores = np.concatenate([np.full(37, 0.9), np.full(11, 0.3), np.full(3, 0.7), np.full(283, 0.1)])
    return EvaluationReport(
        title=f"Churn {EVIL}",
        actual=actual,
        predicted=scores > 0.5,
        scores=scores,
        labels=("False.", "True."),
        classes=("False.", "True."),
        threshold=0.5,
        metrics=evaluate(actual, scores > 0.5, scores),
        facts={"Run": "churn-1", "Data": EVIL},
        published={"accuracy": 0.9581, "precision": 0.99},
        published_source=EVIL,
    )


def test_the_page_is_well_formed_and_every_text_is_escaped(report: EvaluationReport) -> None:
    html = report.html()
    page = Page(html)
    assert {"svg", "table", "style"} <= page.tags
    assert "script" not in page.tags
    assert html.count("&lt;script&gt;alert(&#39;Q&amp;A&#39;)") == 4  # title twice, data, source


def test_the_page_needs_nothing_from_elsewhere(report: EvaluationReport) -> None:
    html = report.html()
    assert not re.search(r"https?:|//|@import|url\(|src=|href=", html)
    assert not {"link", "img", "iframe", "object"} & Page(html).tags


def test_the_matrix_has_actual_rows_and_predicted_columns(report: EvaluationReport) -> None:
    """CH-5, defect of the original: the matrix was transposed. TP 37, FP 3, FN 11, TN 283."""
    cells = [cell for cell in Page(report.matrix()).cells if cell]
    assert cells[:3] == ["predicted", "False.", "True."]
    assert cells[3:] == [
        *("actual", "False.", "28399.0% of actual False.", "31.0% of actual False."),
        *("True.", "1122.9% of actual True.", "3777.1% of actual True."),
    ]


def test_tiles_show_ours_the_published_and_the_difference(report: EvaluationReport) -> None:
    tiles = report.html().partition('<div class="tiles">')[2].partition('<div class="plots">')[0]
    assert "<b>0.9581</b><span>published 0.9581</span>" in tiles
    assert '<span>published 0.9900</span><span class="down">-0.0650</span>' in tiles
    assert tiles.count(">published ") == 2  # the rest has nothing to be compared with


def test_all_curves_are_there(report: EvaluationReport) -> None:
    names = re.findall(r'aria-label="([^"]+)"', report.html())
    assert names == [
        "ROC curve",
        "Precision and recall",
        "Scores by class",
        "Choice of threshold",
        "Calibration",
    ]


def test_the_operating_point_is_marked_where_it_is(report: EvaluationReport) -> None:
    (mark,) = (series for series in report.roc().series if series.kind == "marks")
    assert mark.points[0] == pytest.approx((3 / 286, 37 / 48))


def test_precision_ends_where_nothing_is_called_positive_any_more(report: EvaluationReport) -> None:
    lines = {series.name: series.points for series in report.trade_off().series}
    assert max(x for x, _ in lines["Precision"]) == 0.89
    assert lines["Precision"][-1][1] == 1.0
    assert max(x for x, _ in lines["Recall"]) == 0.99


def test_a_point_lies_where_the_axes_say() -> None:
    plot = Plot("p", Axis("x", 0, 10), Axis("y", 0, 2), (Series("s", [(0, 0), (10, 2), (99, 99)]),))
    assert 'points="56.0,294.0 466.0,34.0 466.0,34.0"' in plot.svg()  # beyond the axes: clipped


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, 0.13, [0, 0.05, 0.1]),
        (3, 1234, [250, 500, 750, 1000]),
    ],
)
def test_ticks_are_round_values_inside_the_axis(start: float, end: float, expected: list[float]) -> None:
    assert Axis("x", start, end).ticks() == pytest.approx(expected)
