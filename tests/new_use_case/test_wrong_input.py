"""What the command refuses: each fault named by file and column, exit code 2, nothing written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.new_use_case import writing
from tests.new_use_case.people import GOOD, HEADER, ROWS, Folder, people, text, with_column, with_line
from tests.new_use_case.projects import contents

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def refusal(
    folder: Folder, capsys: pytest.CaptureFixture[str], content: str | bytes, **variables: str
) -> str:
    """What the command says; checked: the exit code, and that nothing was written."""
    before = contents(folder.project)
    code = folder.run(content, **variables)
    captured = capsys.readouterr()
    assert code == 2, captured
    assert captured.out == ""
    assert captured.err.endswith("Nothing was written.\n")
    assert contents(folder.project) == before
    return captured.err


WRONG = {
    "empty file": ("", {}, "people.csv is empty"),
    "blank lines only": ("\n\n", {}, "people.csv is empty"),
    "header only": (text([HEADER]), {}, "people.csv has a header line but no rows"),
    "one column": ("leaves\nyes\nno\n", {}, "people.csv: only one column; separators that were tried: comma"),
    "no header and no names": (
        text(people()),
        {},
        "people.csv, line 1 is no header: '26' is a number. Name the 4 columns: NAMES=a,b,c",
    ),
    "label is no column": (
        text(GOOD),
        {"label": "churn"},
        "people.csv, line 1: no column is named 'churn'. The columns are age, city, plan, leaves",
    ),
    "label is not in NAMES": (
        text(people()),
        {"names": "age,city,plan,left"},
        "NAMES: no column is named 'leaves'. The columns are age, city, plan, left",
    ),
    "fewer names than columns": (
        text(people()),
        {"names": "age,city,leaves"},
        "people.csv, line 1 has 4 values, expected 3",
    ),
    "duplicate names": (
        text([["age", "plan", "plan", "leaves"], *people()]),
        {},
        "people.csv, line 1: 2 columns are named 'plan'",
    ),
    "duplicate names in NAMES": (
        text(people()),
        {"names": "age,plan,plan,leaves"},
        "NAMES: 2 columns are named 'plan'",
    ),
    "column without a name": (
        text([["age", "", "plan", "leaves"], *people()]),
        {},
        "people.csv, line 1: column 2 has no name",
    ),
    "name too long": (
        text([["age", "c" * 81, "plan", "leaves"], *people()]),
        {},
        "people.csv, line 1, column 2: a name has at most 80 printable characters",
    ),
    "too many columns": (
        text([[*(f"c{number}" for number in range(80)), "leaves"], ["1"] * 81]),
        {},
        "people.csv, line 1: 81 columns; a processing job has arguments for 80",
    ),
    "too few values": (with_line(17, "30,Bonn,no"), {}, "people.csv, line 17 has 3 values, expected 4"),
    "too many values": (with_line(9, "3,Bonn,free,no,1"), {}, "people.csv, line 9 has 5 values, expected 4"),
    "open quote": (with_line(9, '3,"Bonn,free,no'), {}, "people.csv, line 9: a quote is not closed"),
    "line break in quotes": (
        with_line(9, '3,"Bo\nnn",free,no'),
        {},
        "people.csv, line 9: a quote is not closed",
    ),
    "text after a quote": (with_line(9, '3,"Bo"nn,free,no'), {}, "people.csv, line 9: not a line of CSV"),
    "not UTF-8": (
        text(GOOD).replace("Turin", "Köln").encode("latin1"),
        {},
        "is not UTF-8. Convert the file first, for example: iconv",
    ),
    "UTF-16": (text(GOOD).encode("utf-16"), {}, "people.csv, line 1, byte 1: 0xff is not UTF-8"),
    "POSITIVE is no label": (
        text(GOOD),
        {"positive": "ja"},
        "POSITIVE=ja is no label: people.csv, column 'leaves' holds 'no' and 'yes'",
    ),
    "one class": (
        text(GOOD).replace(",yes\n", ",no\n"),
        {},
        "people.csv, column 'leaves': only one value ('no'), expected two labels",
    ),
    "three classes": (
        with_line(9, "30,Bonn,free,maybe"),
        {},
        "people.csv, column 'leaves': 3 values ('maybe', 'no', 'yes'), expected two labels",
    ),
    "a number as label": (
        text(GOOD),
        {"label": "age"},
        "people.csv, column 'age': 62 values ('18', '19', '21', '22', '23', ...), expected two labels",
    ),
    "a row without label": (
        with_line(9, "30,Bonn,free,"),
        {},
        "people.csv, line 9, column 'leaves': the label",
    ),
    "label with a comma": (
        text(GOOD).replace(",yes\n", ',"yes, soon"\n'),
        {},
        "people.csv, column 'leaves': a label is at most 40 printable characters, without comma",
    ),
    "too few rows of a class": (
        text([HEADER, *(row for row in people() if row[3] == "no"), ["30", "Bonn", "free", "yes"]]),
        {},
        "part, ",
    ),
    "ignored column is none": (
        text(GOOD),
        {"ignore": "town"},
        "IGNORE: no column is named 'town'. The columns are age, city, plan, leaves",
    ),
    "allowed column is none": (text(GOOD), {"allow": "town"}, "ALLOW: no column is named 'town'"),
    "label ignored": (text(GOOD), {"ignore": "leaves"}, "IGNORE: 'leaves' is the label"),
    "all ignored": (text(GOOD), {"ignore": "age,city,plan"}, "people.csv: no column is left to learn from"),
    "no such file": (text(GOOD), {"csv": "nowhere.csv"}, "CSV=nowhere.csv: the file does not exist"),
    "no CSV": (text(GOOD), {"csv": ""}, "CSV is missing. Example: make use-case NAME="),
    "no label": (text(GOOD), {"label": ""}, "LABEL is missing"),
    "no name": (text(GOOD), {"name": ""}, "NAME is missing"),
    "name in capitals": (text(GOOD), {"name": "Leavers"}, "NAME=Leavers: expected lower-case words"),
    "name with a hyphen": (text(GOOD), {"name": "lea-vers"}, "NAME=lea-vers: expected lower-case words"),
    "name is a path": (text(GOOD), {"name": "../leavers"}, "NAME=../leavers: expected lower-case words"),
    "name is a keyword": (text(GOOD), {"name": "class"}, "NAME=class: expected lower-case words"),
    "long name": (text(GOOD), {"name": "a" * 21}, "has 21 characters: at most 20 fit into AWS names"),
    "name of sample data": (text(GOOD), {"name": "movie_users"}, "there is sample data of this name"),
    "folder of the shared job scripts": (
        text(GOOD),
        {"name": "monitoring"},
        "NAME=monitoring is reserved: s3://<bucket>/monitoring/ holds the job scripts that all use",
    ),
    "folder of MWAA": (text(GOOD), {"name": "mwaa"}, "NAME=mwaa is reserved: s3://<bucket>/mwaa/ holds"),
    "constant of the catalogue": (
        text(GOOD),
        {"name": "classifiers"},
        "NAME=classifiers: its constant would be CLASSIFIERS, a name that include/use_cases/catalogue.py",
    ),
    "constant that the catalogue imports": (text(GOOD), {"name": "movies"}, "its constant would be MOVIES"),
    "a label that a job takes for an option": (
        text(GOOD).replace(",yes\n", ",-1e5\n"),
        {},
        "and does not begin with a hyphen; not '-1e5'",
    ),
}


@pytest.mark.parametrize(("content", "variables", "message"), WRONG.values(), ids=WRONG)
def test_wrong_input_is_named_and_nothing_is_written(
    folder: Folder,
    capsys: pytest.CaptureFixture[str],
    content: str | bytes,
    variables: dict[str, str],
    message: str,
) -> None:
    assert message in refusal(folder, capsys, content, **variables)


SUSPICIOUS = {
    "counts up": (
        "customer",
        lambda number, row: str(1000 + number),
        "a different whole number in every row",
    ),
    "shuffled numbers": (
        "customer",
        lambda number, row: str(number * 7 % ROWS),
        "a different whole number in every row, counting up",
    ),
    "different texts": (
        "code",
        lambda number, row: f"c{number * 7919 % 10007:05}",
        "a different text in every row",
    ),
    "the name of an id": (
        "customerID",
        lambda number, row: str(number * 7919 % 100_003 if number > 5 else 1),
        "its name, and 98.8% of its values are different",
    ),
    "category that is the label": (
        "status",
        lambda number, row: f"s-{row[3]}",
        "cross-validated AUC of 1.000",
    ),
    "number that is the label": (
        "fee",
        lambda number, row: str(number % 50 + (100 if row[3] == "yes" else 0)),
        "cross-validated AUC of 1.000",
    ),
    "missing where the label is positive": (
        "seats",
        lambda number, row: "" if row[3] == "yes" else str(number % 7),
        "cross-validated AUC of 1.000",
    ),
    "an interval is the label": (
        "score",
        lambda number, row: f"{number % 10 + (50 if row[3] == 'yes' else number % 2 * 100)}.5",
        "cross-validated AUC of 1.000",
    ),
}


@pytest.mark.parametrize(("name", "value", "reason"), SUSPICIOUS.values(), ids=SUSPICIOUS)
def test_an_id_and_a_column_that_gives_the_label_away_are_refused_unless_ignored_or_allowed(
    folder: Folder,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: Callable[[int, list[str]], str],
    reason: str,
) -> None:
    content = with_column(name, value)
    message = refusal(folder, capsys, content)
    assert f"{name!r} " in message
    assert reason in message
    command = f"make use-case NAME=leavers CSV={folder.csv} LABEL=leaves"
    assert f"  {command} IGNORE={name}\n" in message
    assert f"  {command} ALLOW={name}\n" in message
    assert folder.run(content, ignore=name) == 0
    assert folder.run(content, name="allowed", allow=name) == 0


def test_a_column_without_values_is_refused_unless_ignored(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    content = with_column("fax", lambda number, row: "?" if number % 2 else "")
    message = refusal(folder, capsys, content)
    assert "people.csv: no value in any row of column 'fax'" in message
    assert "IGNORE=fax\n" in message
    assert folder.run(content, ignore="fax") == 0


def test_thousands_of_texts_are_refused(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[f"street {number % 2500}", *row] for number, row in enumerate(people(6000))]
    message = refusal(folder, capsys, text([["street", *HEADER], *rows]))
    assert "'street' has 2,500 different texts, each of which would become a feature" in message


def test_the_command_in_a_message_is_ready_for_a_shell(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    content = with_column("a, b's id", lambda number, row: str(number)).replace(
        "a, b's id", '"a, b\'s $id"', 1
    )
    message = refusal(folder, capsys, content)
    for option in ("IGNORE", "ALLOW"):
        assert f"""LABEL=leaves {option}='"a, b'"'"'s $$id"'\n""" in message
    assert folder.run(content, ignore='"a, b\'s $id"') == 0
    assert folder.run(content, name="allowed", allow='"a, b\'s $id"') == 0


@pytest.mark.parametrize(
    "path",
    ["dags/leavers.py", "data/leavers/old.csv", "tests/include/leavers/x.py", "include/use_cases/leavers.py"],
)
def test_nothing_is_overwritten(folder: Folder, capsys: pytest.CaptureFixture[str], path: str) -> None:
    (folder.project / path).parent.mkdir(parents=True, exist_ok=True)
    (folder.project / path).write_text("mine\n")
    assert "exists already, and nothing is overwritten" in refusal(folder, capsys, text(GOOD))


def test_a_second_time_is_refused(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.run(text(GOOD)) == 0
    capsys.readouterr()
    assert "include/use_cases/leavers exists already" in refusal(folder, capsys, text(GOOD))


def test_a_folder_of_this_name_in_ml_datasets_dir_is_named(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sets/leavers").mkdir(parents=True)
    monkeypatch.setenv("ML_DATASETS_DIR", str(tmp_path / "sets"))
    assert "because ML_DATASETS_DIR is set" in refusal(folder, capsys, text(GOOD))


def test_a_catalogue_that_cannot_be_extended_stops_the_command(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder.project / "include/use_cases/catalogue.py").write_text("CLASSIFIERS = {}\n")
    assert "expected CLASSIFIERS = {case.name: case for case in (...)}" in refusal(folder, capsys, text(GOOD))


@pytest.mark.parametrize("fault", [OSError("disk full"), KeyboardInterrupt()], ids=["disk full", "Ctrl-C"])
@pytest.mark.parametrize("step", ["_new_file", "_replace"])
def test_a_fault_midway_removes_what_was_written(
    folder: Folder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    fault: BaseException,
) -> None:
    """The last new file cannot be created, or the catalogue not be replaced."""
    before, create = contents(folder.project), writing._new_file

    def fail(path: Path, rest: object) -> Path:
        if step == "_replace" or path.parent.name == "dags":
            raise fault
        return create(path, rest)  # type: ignore[arg-type]

    monkeypatch.setattr(writing, step, fail)
    if isinstance(fault, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            folder.run(text(GOOD))
    else:
        assert folder.run(text(GOOD)) == 1
        assert "disk full\nNothing was written." in capsys.readouterr().err
    assert contents(folder.project) == before
