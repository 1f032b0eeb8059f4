"""The baseline job: Model Monitor's formats, weights of the model, and inputs that do not fit."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from include.use_cases.churn.use_case import CHURN
from tests.include.jobs.traffic import SCHEMA, run_baseline

if TYPE_CHECKING:
    from pathlib import Path

    from tests.include.conftest import Prepared
    from tests.include.jobs.traffic import Model

LEARNED = SCHEMA.named("number", "category")


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def training_rows(prepared: Prepared) -> pd.DataFrame:
    return pd.read_csv(prepared.folder / "training_rows/train.csv", dtype=str, keep_default_na=False)


def test_statistics_are_those_of_the_rows(churn_baseline: Path, prepared: Prepared) -> None:
    document = read(churn_baseline, "statistics.json")
    rows = training_rows(prepared)
    assert document["dataset"]["item_count"] == len(rows)
    features = {feature["name"]: feature for feature in document["features"]}
    assert list(features) == [name for name in SCHEMA.inputs if name in LEARNED] + ["predicted", "score"]
    for name in SCHEMA.named("number"):
        values, measured = rows[name].astype(float), features[name]["numerical_statistics"]
        assert measured["common"] == {"num_present": len(rows), "num_missing": 0}
        assert measured["mean"] == pytest.approx(values.mean())
        assert measured["std_dev"] == pytest.approx(values.std(ddof=0))
        assert (measured["min"], measured["max"]) == (values.min(), values.max())
        assert measured["sum"] == pytest.approx(values.sum())
        buckets = measured["distribution"]["kll"]["buckets"]
        assert len(buckets) == 10
        assert sum(bucket["count"] for bucket in buckets) == len(rows)
    states = features["State"]["string_statistics"]
    assert states["distinct_count"] == rows["State"].nunique()
    held = states["distribution"]["categorical"]["buckets"]
    assert {bucket["value"]: bucket["count"] for bucket in held} == rows["State"].value_counts().to_dict()


def test_the_sketch_holds_every_row_and_its_quantiles(churn_baseline: Path, prepared: Prepared) -> None:
    """Items of level h stand for 2^h rows."""
    values = np.sort(training_rows(prepared)["Day Mins"].astype(float))
    (feature,) = (f for f in read(churn_baseline, "statistics.json")["features"] if f["name"] == "Day Mins")
    levels = feature["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"]
    weighted = sorted((item, 2**level) for level, items in enumerate(levels) for item in items)
    ranks = np.cumsum([weight for _, weight in weighted])
    assert ranks[-1] == len(values)
    for quantile in (0.05, 0.25, 0.5, 0.75, 0.95):
        item = weighted[int(np.searchsorted(ranks, quantile * len(values)))][0]
        assert np.searchsorted(values, item) / len(values) == pytest.approx(quantile, abs=0.01)


def test_types_and_constraints(churn_baseline: Path) -> None:
    document = read(churn_baseline, "constraints.json")
    features = {feature["name"]: feature for feature in document["features"]}
    types = {name: feature["inferred_type"] for name, feature in features.items()}
    assert (types["Day Mins"], types["Day Calls"], types["Area Code"]) == ("Fractional", "Integral", "String")
    assert features["Day Mins"]["num_constraints"] == {"is_non_negative": True}
    assert features["Area Code"]["string_constraints"] == {"domains": ["408", "415", "510"]}
    assert features["State"]["completeness"] == 1.0
    assert document["monitoring_config"]["distribution_constraints"]["comparison_threshold"] == 0.1


def test_weights_are_shares_and_the_charges_that_are_ignored_have_none(churn_baseline: Path) -> None:
    weights = read(churn_baseline, "importance.json")
    assert sorted(weights) == sorted(LEARNED)
    assert sum(weights.values()) == pytest.approx(1.0)
    assert min(weights.values()) >= 0.0
    assert list(weights)[0] == "Day Mins"  # what every model of this data finds


def test_weights_are_the_attributions_of_shap(
    churn_baseline: Path, baseline_inputs: Path, model: Model
) -> None:
    """A column without categories: its weight is in the proportion of its one feature's mean |SHAP value|."""
    import xgboost

    table = np.loadtxt(baseline_inputs / "features/validation.csv", delimiter=",")[:, 1:]
    names = read(baseline_inputs, "summary/summary.json")["features"]
    values = model.booster.predict(xgboost.DMatrix(table), pred_contribs=True)
    mean = {name: np.abs(values[:, place]).mean() for place, name in enumerate(names)}
    weights = read(churn_baseline, "importance.json")
    expected = mean["number__Day Mins"] / mean["number__Eve Mins"]
    assert weights["Day Mins"] / weights["Eve Mins"] == pytest.approx(expected, rel=1e-5)


def test_rates_of_positives(churn_baseline: Path, baseline_inputs: Path, prepared: Prepared) -> None:
    profile = read(churn_baseline, "profile.json")
    rate = (training_rows(prepared)["Churn?"] == CHURN.positive_label).mean()
    assert profile["label"]["positive_rate"] == pytest.approx(rate)
    answers = pd.read_csv(baseline_inputs / "predictions/predictions.csv", dtype=str)
    expected = (answers["predicted"] == CHURN.positive_label).mean()
    assert profile["predictions"]["positive_rate"] == pytest.approx(expected)


def test_quality_may_lose_the_tolerance(baseline_inputs: Path, tmp_path: Path) -> None:
    assert run_baseline(baseline_inputs, tmp_path / "baseline", "--quality-tolerance", "0.1") == 0
    limits = read(tmp_path / "baseline", "model_quality_constraints.json")[
        "binary_classification_constraints"
    ]
    metrics = read(tmp_path / "baseline", "profile.json")["predictions"]["quality"]["metrics"]
    assert limits["f1"] == {
        "threshold": pytest.approx(metrics["f1"] - 0.1),
        "comparison_operator": "LessThanThreshold",
    }
    assert limits["false_positive_rate"] == {
        "threshold": pytest.approx(metrics["false_positive_rate"] + 0.1),
        "comparison_operator": "GreaterThanThreshold",
    }


def test_the_threshold_is_that_of_the_evaluation(baseline_inputs: Path, tmp_path: Path) -> None:
    shutil.copytree(baseline_inputs, tmp_path / "input")
    path = tmp_path / "input/predictions/evaluation.json"
    path.write_text(json.dumps({"threshold": 0.35}))
    assert run_baseline(tmp_path / "input", tmp_path / "baseline") == 0
    assert read(tmp_path / "baseline", "profile.json")["predictions"]["threshold"] == 0.35
    path.unlink()
    assert run_baseline(tmp_path / "input", tmp_path / "baseline") == 0
    assert read(tmp_path / "baseline", "profile.json")["predictions"]["threshold"] is None


FIRST_DAY_MINS = r"(?<=\n)((?:[^,]*,){7})[^,]*"
BROKEN = {  # file, pattern and what takes its place (None: the file is not there), what is said
    "no data": ("data/train.csv", None, "no CSV or TXT file in"),
    "no number": (
        "data/train.csv",
        (FIRST_DAY_MINS, r"\1many"),
        "train.csv, line 2, column 'Day Mins': 'many' is not a number",
    ),
    "no model": ("model/model.tar.gz", None, "model.tar.gz is not a model of the built-in XGBoost"),
    "no predictions": ("predictions/predictions.csv", None, "predictions.csv: expected columns 'Churn?'"),
    "another feature": (
        "summary/summary.json",
        ("number__Day Mins", "number__Day Hours"),
        "feature 'number__Day Hours' is made of none of 'State'",
    ),
    "no threshold": ("predictions/evaluation.json", ("threshold", "limit"), "evaluation.json: expected"),
    "no summary": ("summary/summary.json", None, "summary.json cannot be read"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_input_that_does_not_fit_is_named_and_nothing_is_written(
    case: str, baseline_inputs: Path, tmp_path: Path
) -> None:
    name, change, expected = BROKEN[case]
    shutil.copytree(baseline_inputs, tmp_path / "input")
    path = tmp_path / "input" / name
    if change is None:
        path.unlink()
    else:
        path.write_text(re.sub(*change, path.read_text(), count=1))
    assert run_baseline(tmp_path / "input", tmp_path / "baseline") == 1
    assert expected in (tmp_path / "message").read_text()
    assert not (tmp_path / "baseline").exists()
