"""Schemas as they travel: job arguments, and the JSON beside a fitted transformer."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from job import DataError
from scripts.new_use_case.reading import is_number
from tabular import Schema, check_row, typed

COLUMNS = ["category:Area Code", "number:Mins: day", "ignore:Phone", "label:Left"]


def test_a_schema_survives_json() -> None:
    schema = Schema.parse(COLUMNS, ("no", "yes"))
    assert Schema.from_json(schema.to_json(features=["a", "b"])) == schema
    assert (schema.inputs, schema.label) == (["Area Code", "Mins: day", "Phone"], "Left")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            ["text:State", "label:Left"],
            "column kind 'text' is unknown: use number, category",
        ),
        (["number:Mins"], "exactly one column must be of the kind label"),
        (["label:Left", "label:Gone"], "exactly one column must be of the kind label"),
    ],
)
def test_a_schema_that_makes_no_sense_is_refused(columns: list[str], expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        Schema.parse(columns, ("no", "yes"))


def test_categories_stay_text_even_where_they_look_like_numbers() -> None:
    """CH-1: the area code."""
    schema = Schema.parse(COLUMNS, ("no", "yes"))
    frame = typed(
        pd.DataFrame([["415", "1.5", "x", "no"], ["415", "", "y", "yes"]], columns=schema.names), schema
    )
    assert list(frame["Area Code"]) == ["415", "415"]
    assert frame["Mins: day"][0] == 1.5
    assert math.isnan(frame["Mins: day"][1])
    assert list(frame) == ["Area Code", "Mins: day"]


NUMBERS = {
    "1": True,
    "1e5": True,
    " 1": True,
    "+1": True,
    "-0": True,
    "1.": True,
    ".5": True,
    "3.3e38": True,
    "3.5e38": False,
    "١٢": False,
    "１２": False,
    "1_000": False,
    "1,5": False,
    "inf": False,
    "-Infinity": False,
    "nan": False,
    "1e400": False,
    "0x10": False,
    "1d5": False,
    "_": False,
}


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_make_use_case_and_the_jobs_agree_on_what_a_number_is(text: str, number: bool) -> None:
    """A column that the command calls a number holds no value that a job refuses later, and vice versa."""
    assert is_number(text) is number
    schema = Schema.parse(["number:Mins", "label:Left"], ("no", "yes"))
    if number:
        check_row([text, "no"], schema, schema.names, "row")
    else:
        with pytest.raises(DataError, match="is not a number"):
            check_row([text, "no"], schema, schema.names, "row")
