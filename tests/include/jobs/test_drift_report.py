"""The drift report: one file, well-formed, every text escaped, with all that was found."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drift.profile import CategoryColumn, NumberColumn
from reports.distributions import bars, distribution, histogram
from tests.include.jobs.test_report import EVIL, Page
from tests.include.jobs.traffic import SCHEMA, csv_lines, record

if TYPE_CHECKING:
    from tests.include.jobs.traffic import Monitored


def page(monitored: Monitored) -> str:
    return (monitored.folder / "report/report.html").read_text()


@pytest.fixture
def drifted(monitored: Monitored) -> Monitored:
    """A window with all that can be wrong, and with hostile texts."""
    rows = monitored.sample(600)
    answers = monitored.model.answers(rows)
    values = rows["Day Mins"].astype(float)
    rows["Day Mins"] = (values + values.std()).map(str)
    rows.loc[:60, "Area Code"] = EVIL
    lines = csv_lines(rows)
    monitored.capture([record(lines, answers, "e0"), "<script>"])
    truth = {"groundTruthData": {"data": "1\n" * 600, "encoding": "CSV"}, "eventMetadata": {"eventId": "e0"}}
    (monitored.folder / "input/ground_truth").mkdir()
    (monitored.folder / "input/ground_truth/a.jsonl").write_text(json.dumps(truth))
    assert monitored.run("--title", EVIL, "--start", "2026-03-01") == 0
    return monitored


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(drifted: Monitored) -> None:
    html = page(drifted)
    parsed = Page(html)
    assert {"svg", "table", "style"} <= parsed.tags
    assert not {"script", "link", "img", "iframe", "object"} & parsed.tags
    assert not re.search(r"https?:|//|@import|url\(|src=|href=", html)
    assert html.count("&lt;script&gt;alert(&#39;Q&amp;A&#39;)") == 4  # title twice, value, violation


def test_the_page_shows_verdict_columns_quality_violations_and_bad_lines(drifted: Monitored) -> None:
    html, cells = page(drifted), Page(page(drifted)).cells
    assert '<section class="verdict drift"><b>Drift</b>' in html
    assert set(SCHEMA.named("number", "category")) <= set(cells)
    assert {"baseline_drift_check", "categorical_values_check"} <= set(cells)
    assert "churn/AllTraffic/2026/03/01/12/a.jsonl" in cells
    assert "Model quality, 600 rows whose truth is known" in html


def test_the_first_columns_and_the_score_are_pictured(drifted: Monitored) -> None:
    headings = re.findall(r"<h2>([^<]+)</h2>", page(drifted))
    pictured = headings[headings.index("Columns") + 1 :][:9]
    first = [column["name"] for column in drifted.read()["columns"][:8]]
    assert [name.replace("&#39;", "'") for name in pictured] == ["score", *first]


def test_a_metric_that_is_not_judged_has_its_reason_on_the_page(monitored: Monitored) -> None:
    rows = monitored.sample(300)
    monitored.capture([record(csv_lines(rows), ["False.,0.1"] * 300, "e0")])
    truth = {"groundTruthData": {"data": "0\n" * 300, "encoding": "CSV"}, "eventMetadata": {"eventId": "e0"}}
    (monitored.folder / "input/ground_truth").mkdir()
    (monitored.folder / "input/ground_truth/a.jsonl").write_text(json.dumps(truth))
    assert monitored.run() == 0
    quality = monitored.read()["model_quality"]
    assert (quality["band"], quality["not_judged"]["recall"]) == ("ok", "not defined in this window")
    assert "not judged: not defined in this window" in Page(page(monitored)).cells


def test_a_window_without_rows_has_a_page(monitored: Monitored) -> None:
    assert monitored.run() == 0
    assert "<b>Not enough data</b>" in page(monitored)
    assert "svg" not in Page(page(monitored)).tags


def test_bars_are_the_shares_of_the_rows() -> None:
    """Whole numbers: bins are whole, too; 0 to 9 are ten bins of one."""
    baseline = NumberColumn()
    baseline.update(np.repeat(np.arange(10.0), 10))
    window = baseline.empty()
    window.update(np.array([3.0, 3.0, 3.0, 9.0]))
    before, after = histogram("calls", baseline, window).series
    assert [x for x, _ in before.points] == [n - 0.5 for n in range(10)]
    assert [share for _, share in before.points] == pytest.approx([0.1] * 10)
    assert {x: share for x, share in after.points if share} == pytest.approx({2.5: 0.75, 8.5: 0.25})


def test_categories_have_two_bars_each_and_the_rest_is_counted() -> None:
    baseline = CategoryColumn()
    baseline.update(np.array([f"s{n:02}" for n in range(12)] + ["s00"] * 4, dtype=object))
    window = baseline.empty()
    window.update(np.array(["s00", EVIL], dtype=object))
    html = bars(baseline, window)
    assert html.count("<i ") == 20
    assert "and 3 more values" in html
    assert 'title="31.25%"' in html
    assert "<span>&lt;script&gt;" in html


def test_a_column_that_changed_its_kind_has_no_picture() -> None:
    with pytest.raises(TypeError, match="'calls' is a number on one side"):
        distribution("calls", NumberColumn(), CategoryColumn())
