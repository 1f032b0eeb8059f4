"""What the command writes, inferred from small tables."""

from __future__ import annotations

import ast
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from scripts.new_use_case import scanning
from scripts.new_use_case.catalogue import add_classifier
from scripts.new_use_case.rendering import literal, tuple_of
from tests.new_use_case.people import GOOD, HEADER, ROWS, Folder, people, text, with_column
from tests.new_use_case.projects import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KINDS = {"age": "number", "city": "category", "plan": "category", "leaves": "label"}


def use_case(folder: Folder) -> dict[str, Any]:
    """The arguments of the written `UseCase`, those of its `RawFormat` under `raw`."""
    tree = ast.parse((folder.project / "include/use_cases/leavers/use_case.py").read_text())
    (call,) = (node.value for node in tree.body if isinstance(node, ast.Assign))
    assert isinstance(call, ast.Call)
    return {"raw": {}, **_arguments(call)}


def _arguments(call: ast.Call) -> dict[str, Any]:
    return {
        str(word.arg): _arguments(word.value)
        if isinstance(word.value, ast.Call)
        else ast.literal_eval(word.value)
        for word in call.keywords
    }


def make(folder: Folder, content: str | bytes, **variables: str) -> dict[str, Any]:
    assert folder.run(content, **variables) == 0
    return use_case(folder)


LAYOUTS = {
    "as it is": (text(GOOD), {}, {}),
    "semicolons": (text(GOOD, ";"), {}, {"separator": ";"}),
    "tabs": (text(GOOD, "\t"), {}, {"separator": "\t"}),
    "pipes": (text(GOOD, "|"), {}, {"separator": "|"}),
    "commas in a column between semicolons": (
        text(GOOD, ";").replace("Bonn", "Bonn, Rhine").replace("city", "city, river"),
        {"ignore": '"city, river"'},
        {"separator": ";"},
    ),
    "blanks": (text(GOOD, ", "), {}, {"strip": True}),
    "blanks at the ends of some lines": (text(GOOD).replace("free,no\n", "free,no \n"), {}, {"strip": True}),
    "no header": (text(people()), {"names": "age,city,plan,leaves"}, {"header": False}),
    "a header that NAMES repeats": (text(GOOD), {"names": "age, city, plan, leaves"}, {}),
    "byte order mark": (text(GOOD).encode("utf-8-sig"), {}, {}),
    "Windows line ends": (text(GOOD).replace("\n", "\r\n"), {}, {}),
    "blank lines": (text(GOOD).replace("\n", "\n\n", 5), {}, {}),
    "quotes": (text(GOOD).replace("Bonn", '"Bonn, Rhine"'), {}, {}),
}


@pytest.mark.parametrize(("content", "variables", "raw"), LAYOUTS.values(), ids=LAYOUTS)
def test_layout_and_kinds_are_inferred(
    folder: Folder, content: str | bytes, variables: dict[str, str], raw: dict[str, Any]
) -> None:
    case = make(folder, content, **variables)
    assert case["raw"] == raw
    assert list(case["columns"].values()) in (list(KINDS.values()), ["number", "ignore", "category", "label"])
    assert case["labels"] == ("no", "yes")


def test_names_may_stand_in_a_file(folder: Folder, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("age\ncity\nplan\nleaves\n")
    case = make(folder, text(people()), names=str(names))
    assert case["columns"] == KINDS
    assert str(tmp_path) not in (folder.project / "include/use_cases/leavers/README.md").read_text()


def test_texts_for_no_value_make_no_category_of_a_number(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    content = with_column("income", lambda number, row: ("?", "N/A", "", str(1000 + number % 90))[number % 4])
    case = make(folder, content)
    assert case["columns"]["income"] == "number"
    assert case["raw"] == {"missing": ("?", "N/A")}
    printed = capsys.readouterr().out
    assert "'income' is a number; '?', 'N/A' was read as: no value" in printed
    assert "'income' has no value in 75% of the rows" in printed


@pytest.mark.parametrize("value", ["١٢", "１２", "1e39", "1_000"])
def test_what_a_job_cannot_compute_with_is_text(folder: Folder, value: str) -> None:
    content = with_column("income", lambda number, row: value if number % 2 else str(number % 70))
    assert make(folder, content)["columns"]["income"] == "category"


def test_a_recipe_that_is_hardly_better_than_guessing_has_no_gate(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = [[*row[:3], ("no", "yes")[number * 7919 % 13 % 2]] for number, row in enumerate(people())]
    assert make(folder, text([HEADER, *noise]))["gates"] == {}
    assert "There is no gate: the recipe is hardly better than guessing" in capsys.readouterr().out
    for path in ("include/use_cases/leavers/use_case.py", "tests/include/leavers/test_use_case.py"):
        source = (folder.project / path).read_text()
        assert formatted(source) == source
    assert "gate" not in source
    assert "measure_table" not in source


def test_no_value_controls_the_terminal(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    make(folder, text(GOOD).replace("Bonn", "\x1b[31mBonn"))
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert r"'\x1b[31mBonn'" in printed


@pytest.mark.parametrize(
    ("file", "copy"), [(".people.csv", "people.csv"), ("ü" * 70 + ".csv", "ü" * 50 + ".csv")]
)
def test_the_copy_is_neither_hidden_nor_of_a_very_long_name(
    folder: Folder, tmp_path: Path, file: str, copy: str
) -> None:
    folder.csv = tmp_path / file
    assert folder.run(text(GOOD)) == 0
    assert [path.name for path in (folder.project / "data/leavers").iterdir()] == [copy]


def test_a_text_for_no_value_is_read_as_one_after_thousands_of_other_values(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "MOST_DISTINCT", 10)
    content = with_column("income", lambda number, row: "?" if number > 300 else str(number % 170))
    assert make(folder, content)["raw"] == {"missing": ("?",)}


REMARKS = {
    "whole numbers with few values": (
        lambda number, row: str(number % 3),
        "number",
        "is a number with 3 whole values: codes? Then call it a category",
    ),
    "leading zeros": (
        lambda number, row: f"{number % 70:05}",
        "number",
        "is a number, but line 2 is '00000': a code? Then call it a category",
    ),
    "text among numbers": (
        lambda number, row: "many" if number == 40 else str(number % 70),
        "category",
        "is text although 99.8% of its values are numbers: line 42 is 'many'",
    ),
    "decimal comma": (
        lambda number, row: f'"{number % 70},5"',
        "category",
        "is text; are these numbers with a decimal comma? Line 2 is '0,5'",
    ),
    "many texts": (
        lambda number, row: f"street {number % 250}",
        "category",
        "is text with 250 different values: each becomes a feature of its own",
    ),
    "one text": (lambda number, row: "EUR", "category", "has the same value in every row"),
    "infinity is no number": (lambda number, row: ("inf", "1")[number % 2], "category", None),
}


@pytest.mark.parametrize(("value", "kind", "remark"), REMARKS.values(), ids=REMARKS)
def test_what_was_guessed_is_pointed_out(
    folder: Folder,
    capsys: pytest.CaptureFixture[str],
    value: Callable[[int, list[str]], str],
    kind: str,
    remark: str | None,
) -> None:
    case = make(folder, with_column("extra", value))
    assert case["columns"]["extra"] == kind
    printed = capsys.readouterr().out
    assert f"'extra' {remark}" in printed if remark else "'extra'" not in printed


@pytest.mark.parametrize(("positive", "labels"), [("no", ("yes", "no")), ("yes", ("no", "yes"))])
def test_positive_is_the_users_choice(
    folder: Folder, capsys: pytest.CaptureFixture[str], positive: str, labels: tuple[str, str]
) -> None:
    assert make(folder, text(GOOD), positive=positive)["labels"] == labels
    assert "was guessed: it" not in capsys.readouterr().out


def test_numbers_may_be_labels(folder: Folder) -> None:
    content = text(GOOD).replace(",yes\n", ",1\n").replace(",no\n", ",-1\n")
    assert make(folder, content)["labels"] == ("-1", "1")


def test_the_gate_is_below_what_was_measured(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    gate = make(folder, text(GOOD))["gates"]["auc"]
    printed = capsys.readouterr().out
    (measured,) = re.findall(r"reaches an AUC of (\S+)", printed)
    assert 0.05 <= float(measured) - gate < 0.0601


def test_the_data_is_copied_under_a_name_that_the_jobs_read(folder: Folder, tmp_path: Path) -> None:
    folder.csv = tmp_path / "people.data"
    assert folder.run(text(GOOD)) == 0
    assert (folder.project / "data/leavers/people.csv").read_text() == text(GOOD)


def test_a_file_larger_than_the_sample_is_read_in_full(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last row decides a kind; ids, leaks and the AUC come from the sample."""
    monkeypatch.setattr(scanning, "SAMPLE_ROWS", ROWS // 2)
    monkeypatch.setattr(scanning, "MOST_DISTINCT", 50)
    table = text([*GOOD, ["many", "Bonn", "free", "no"]])
    case = make(folder, table, allow="age")
    assert case["columns"]["age"] == "category"
    printed = capsys.readouterr().out
    assert f"were measured on {ROWS // 2} rows chosen at random" in printed
    assert f"is text although 99.8% of its values are numbers: line {ROWS + 2} is 'many'" in printed


def test_a_sample_is_uniform_and_in_order() -> None:
    counts = [0] * 20
    for seed in range(2000):
        reservoir = scanning.Reservoir(5, seed)
        for number in range(20):
            reservoir.add([str(number)])
        rows = [int(row[0]) for row in reservoir.rows]
        assert rows == sorted(rows)
        for number in rows:
            counts[number] += 1
    assert all(430 < count < 570 for count in counts), counts  # 500 expected, standard deviation 19


@pytest.mark.parametrize("word", ["plain", 'a "b"', "it's", "'\"", "back\\slash", "naïve", "a\tb", ""])
def test_literals_are_python_as_ruff_writes_it(word: str) -> None:
    assert ast.literal_eval(literal(word)) == word
    assert ast.literal_eval(tuple_of([word], "", 0)) == (word,)
    assert formatted(f"word = {literal(word)}\n") == f"word = {literal(word)}\n"


def formatted(source: str) -> str:
    command = [str(PROJECT / ".venv/jobs/bin/ruff"), "format", "-"]
    answer = subprocess.run(command, input=source, capture_output=True, text=True, check=True, cwd=PROJECT)
    return str(answer.stdout)


def test_the_catalogue_stays_sorted_and_formatted_however_many_cases_there_are() -> None:
    source = (PROJECT / "include/use_cases/catalogue.py").read_text()
    names = ["leavers", "aaa", "zebra_crossings", "n_20_characters_long"]
    for name in names:
        source = add_classifier(source, name, name.upper())
        assert formatted(source) == source
    imports = [line for line in source.splitlines() if line.startswith("from include")]
    assert imports == sorted(imports)
    for name in names:
        assert source.count(name.upper()) == 2


def test_the_header_of_the_table_of_people_is_its_kinds() -> None:
    assert list(KINDS) == HEADER
