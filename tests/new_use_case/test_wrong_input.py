"""What the command refuses: each fault named by file and column, exit code 2, nothing written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.new_use_case.people import (
    GOOD,
    HEADER,
    ROWS,
    Folder,
    people,
    refusal,
    text,
    with_column,
    with_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
    "name wider than a line": (
        text([["age", "市" * 41, "plan", "leaves"], *people()]),
        {},
        "people.csv, line 1, column 2: a name has at most 80 printable characters (wide and escaped",
    ),
    "name of quotes and backslashes": (
        text([["age", "\\" * 41, "plan", "leaves"], *people()]),
        {},
        "people.csv, line 1, column 2: a name has at most 80 printable characters (wide and escaped",
    ),
    "name that is a template": (
        text([["age", "{{ ds }}", "plan", "leaves"], *people()]),
        {},
        "people.csv, line 1, column 2: Airflow would take '{{ ds }}' for a template",
    ),
    "label that is a template": (
        text(GOOD).replace(",yes\n", ",{% raw\n"),
        {},
        "people.csv, column 'leaves': Airflow would take the label '{% raw' for a template",
    ),
    "names file is missing": (text(people()), {"names": "names.txt"}, "NAMES=names.txt: no such file"),
    "carriage returns": (
        text(GOOD).replace("\n", "\r"),
        {},
        "people.csv, line 1 holds a carriage return that is not at its end. If it ends the lines",
    ),
    "two rows": ("age,leaves\n30,yes\n40,no\n", {}, "people.csv: the "),
    "CSV is a folder": (text(GOOD), {"csv": "/"}, "CSV=/: not a file"),
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
    "folder of shared scripts": (text(GOOD), {"name": "monitoring"}, "reserved: s3://<bucket>/monitoring/"),
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
    line = f"  make use-case NAME=leavers CSV={folder.csv} LABEL=leaves"
    assert f"{line} IGNORE={name}\n" in message
    assert f"{line} ALLOW={name}\n" in message
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


def test_a_names_file_that_is_not_utf8_is_named(
    folder: Folder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_bytes("Größe,leaves".encode("latin1"))
    message = refusal(folder, capsys, text(people()), names=str(names))
    assert "names.txt, line 1, byte 3: 0xf6 is not UTF-8" in message
