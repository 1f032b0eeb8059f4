"""Data for the tests: the real churn file where ML_DATASETS_DIR has it, generated rows otherwise."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

import preprocess
from include.datasets import generate
from include.use_cases.churn.use_case import CHURN

REAL = Path(os.environ.get("ML_DATASETS_DIR", "/nonexistent")) / "churn/churn.txt"


@dataclass(frozen=True)
class Prepared:
    """A folder after the preprocessing job."""

    raw: Path
    folder: Path
    real: bool

    def lines(self, name: str) -> list[str]:
        return (self.folder / name).read_text().splitlines()


def run_preprocess(raw: Path, output: Path, seed: str = "1729") -> int:
    places = ["--input", str(raw), "--output", str(output), "--message", str(output.parent / "message")]
    return preprocess.main(["--seed", seed, *CHURN.table_arguments, *places])


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The churn data, preprocessed once for the whole session."""
    folder = tmp_path_factory.mktemp("prepared")
    real = REAL.is_file()
    raw = REAL.parent if real else generate("churn", folder / "raw/churn.txt", rows=3333, seed=7).path.parent
    assert run_preprocess(raw, folder / "output") == 0
    return Prepared(raw, folder / "output", real)
