"""A churn model and its baseline, made once; a monitor's folder for each test."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from tests.include.jobs.traffic import Model, Monitored, lay_out, run_baseline

if TYPE_CHECKING:
    from pathlib import Path

    from tests.include.conftest import Prepared


@pytest.fixture(scope="session")
def model(prepared: Prepared) -> Model:
    return Model(prepared.folder)


@pytest.fixture(scope="session")
def baseline_inputs(prepared: Prepared, model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs") / "input"
    lay_out(prepared.folder, model, folder)
    return folder


@pytest.fixture(scope="session")
def churn_baseline(baseline_inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the baseline job wrote."""
    folder = tmp_path_factory.mktemp("baseline") / "baseline"
    assert run_baseline(baseline_inputs, folder) == 0
    return folder


@pytest.fixture
def monitored(churn_baseline: Path, prepared: Prepared, model: Model, tmp_path: Path) -> Monitored:
    shutil.copytree(churn_baseline, tmp_path / "input/baseline")
    parts = [prepared.folder / name for name in ("training_rows/train.csv", "labelled/test.csv")]
    rows = pd.concat([pd.read_csv(part, dtype=str, keep_default_na=False) for part in parts])
    return Monitored(tmp_path, model, rows)
