"""The use case's constants agree with each other, with the data and with the seed."""

from __future__ import annotations

import subprocess
import sys

from include.datasets.generators.churn import HEADER
from include.use_cases.churn.use_case import CHURN
from quality.classification import rates


def test_the_columns_are_those_of_the_data_in_their_order() -> None:
    assert list(CHURN.columns) == HEADER.rstrip("\n").split(",")


def test_eleven_numbers_and_four_categories_are_learned_from() -> None:
    kinds = list(CHURN.columns.values())
    assert (kinds.count("number"), kinds.count("category"), kinds.count("label")) == (11, 4, 1)
    assert {name for name, kind in CHURN.columns.items() if kind == "ignore"} == {
        *("Phone", "Day Charge", "Eve Charge", "Night Charge", "Intl Charge")
    }


def test_the_published_metrics_are_those_of_the_matrix_read_with_the_right_axes() -> None:
    """CH-5, defect of the original: truth and prediction were swapped, so it printed precision 0.7708."""
    matrix = {"0": {"0": 283, "1": 3}, "1": {"0": 11, "1": 37}}
    measured = rates(matrix)
    assert {name: round(measured[name], 4) for name in CHURN.published.metrics} == dict(
        CHURN.published.metrics
    )


def test_arguments_fit_the_limits_of_a_processing_job() -> None:
    for arguments in (
        ["--seed", "1729", *CHURN.table_arguments],
        CHURN.evaluation_arguments,
        CHURN.monitor_arguments,
    ):
        assert len(arguments) <= 100
        assert all(0 < len(argument) <= 256 for argument in arguments)


def test_importing_the_use_case_loads_nothing_heavy() -> None:
    code = (
        "import sys, include.use_cases.churn.use_case, include.datasets;"
        "print(sorted({'numpy', 'pandas', 'sklearn', 'requests', 'rich'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
