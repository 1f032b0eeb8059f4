"""Raw tables become canonical: one strict format, whatever the source wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from include.datasets import DatasetError
from include.datasets.canonical import is_canonical, write_canonical
from include.use_cases.definition import Join, Kind, RawFormat

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS: dict[str, Kind] = {"age": "number", "job": "category", "income": "label"}
CANONICAL = "age,job,income\n39,State-gov,<=50K\n50,?,>50K\n"


def convert(folder: Path, content: bytes | str, raw: RawFormat, columns: dict[str, Kind] = COLUMNS) -> str:
    """The canonical table of one raw file."""
    source, target = folder / "raw.txt", folder / "canonical.csv"
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    write_canonical([source], target, columns=columns, raw=raw)
    return target.read_text()


@pytest.mark.parametrize(
    ("content", "raw"),
    [
        ("39, State-gov, <=50K\n50, ?, >50K\n\n", RawFormat(header=False, strip=True)),
        ('"age";"job";"income"\n39;"State-gov";"<=50K"\n50;"?";">50K"\n', RawFormat(separator=";")),
        ("age\tjob\tincome\r\n39\tState-gov\t<=50K\r\n50\t?\t>50K\r\n", RawFormat(separator="\t")),
        ("income,job,extra,age\n<=50K,State-gov,1,39\n>50K,?,2,50\n", RawFormat(strip=True)),
        ("\ufeffage,job,income\n39,State-gov,<=50K\n50,?,>50K", RawFormat(missing=("?",))),
    ],
    ids=[
        "no header, blanks, empty line",
        "semicolons and quotes",
        "tabs, CRLF",
        "other order",
        "byte order mark",
    ],
)
def test_every_format_gives_the_same_table(tmp_path: Path, content: str, raw: RawFormat) -> None:
    assert convert(tmp_path, content, raw) == CANONICAL


def test_a_missing_text_is_blank_in_numbers_and_a_value_in_categories(tmp_path: Path) -> None:
    raw = RawFormat(missing=("?", "N/A"))
    table = convert(tmp_path, "age,job,income\n?,?,<=50K\nN/A,N/A,>50K\n", raw)
    assert table == "age,job,income\n,?,<=50K\n,N/A,>50K\n"


def test_words_that_other_readers_take_for_missing_stay_words(tmp_path: Path) -> None:
    content = "age,job,income\n1,None,NA\n2,nan,null\n"
    assert convert(tmp_path, content, RawFormat(separator=",", strip=True)) == content


def test_tables_are_joined_by_their_key(tmp_path: Path) -> None:
    columns: dict[str, Kind] = {"id": "ignore", "amount": "number", "state": "category", "fraud": "label"}
    claims, customers = tmp_path / "claims.csv", tmp_path / "customers.csv"
    claims.write_text("id,amount,fraud\n2,20,0\n1,10,1\n3,30,0\n")
    customers.write_text("id,state\n1,WA\n2,CA\n")
    raw = RawFormat(joins=(Join("customers", "id"),))
    rows = write_canonical(
        [claims], tmp_path / "all.csv", columns=columns, raw=raw, joined={"customers": [customers]}
    )
    assert rows == 3
    assert (tmp_path / "all.csv").read_text() == "id,amount,state,fraud\n2,20,CA,0\n1,10,WA,1\n3,30,,0\n"


def test_a_key_that_occurs_twice_in_a_joined_table_is_refused(tmp_path: Path) -> None:
    claims, customers = tmp_path / "claims.csv", tmp_path / "customers.csv"
    claims.write_text("id,fraud\n1,0\n")
    customers.write_text("id,state\n1,WA\n1,CA\n")
    raw = RawFormat(joins=(Join("customers", "id"),))
    with pytest.raises(DatasetError, match=r"customers\.csv, line 3: id '1' occurs twice"):
        write_canonical(
            [claims],
            tmp_path / "all.csv",
            columns={"id": "ignore", "state": "category", "fraud": "label"},
            raw=raw,
            joined={"customers": [customers]},
        )


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ("id,amount\n1,10\n", "there is no column 'fraud'"),
        ("number,fraud\n1,0\n", "there is no column 'id' to join by"),
        ("id,fraud,state\n1,0,WA\n", "the column 'state' is in a joined table, too"),
    ],
)
def test_a_column_is_in_exactly_one_of_the_joined_tables(tmp_path: Path, claims: str, reason: str) -> None:
    """A misspelt column is an error, never a column of blanks."""
    first, second = tmp_path / "claims.csv", tmp_path / "customers.csv"
    first.write_text(claims)
    second.write_text("id,state\n1,WA\n")
    columns: dict[str, Kind] = {"id": "ignore", "state": "category", "fraud": "label"}
    raw = RawFormat(joins=(Join("customers", "id"),))
    with pytest.raises(DatasetError, match=reason):
        write_canonical(
            [first], tmp_path / "all.csv", columns=columns, raw=raw, joined={"customers": [second]}
        )


def test_tables_without_a_header_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match="cannot be joined"):
        RawFormat(header=False, joins=(Join("customers", "id"),))


def test_a_row_of_separators_is_a_row(tmp_path: Path) -> None:
    assert convert(tmp_path, "age,job,income\n,,\n\n1,a,b\n", RawFormat(strip=True)).count("\n") == 3


@pytest.mark.parametrize(
    ("content", "raw", "reason"),
    [
        ("age,job,income\n39,State-gov\n", RawFormat(strip=True), "line 2: 2 values, expected 3"),
        ("age,job,income\n1,2,3,4\n", RawFormat(strip=True), "line 2: 4 values, expected 3"),
        ("age,age,income\n1,2,3\n", RawFormat(strip=True), "line 1: the column 'age' occurs twice"),
        ("age,income\n1,2\n", RawFormat(strip=True), "raw.txt: there is no column 'job'"),
        (b"age,job,income\n1,\xe9,2\n", RawFormat(strip=True), "is not UTF-8, after line"),
        ('age,job,income\n1,"a"b,2\n', RawFormat(strip=True), "line 2 is not a line of CSV"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(
    tmp_path: Path, content: bytes | str, raw: RawFormat, reason: str
) -> None:
    with pytest.raises(DatasetError, match=r"raw\.txt") as caught:
        convert(tmp_path, content, raw)
    assert reason in str(caught.value)


def test_a_canonical_file_is_recognised_by_its_header(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text(CANONICAL)
    assert is_canonical(file, COLUMNS)
    file.write_text("39, State-gov, <=50K\n")
    assert not is_canonical(file, COLUMNS)
