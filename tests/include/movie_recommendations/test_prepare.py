"""The preparation job: what it splits, what it refuses (MR-1)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import prepare
from include.datasets import generate
from tests.include.movie_recommendations.places import run

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "USER_ID,ITEM_ID,TIMESTAMP\n"
SEED = ("--seed", "7")


def rows(number: int = 4000, users: int = 50) -> list[str]:
    return [f"{n % users},{(n * 7) % 211},{880000000 + n}" for n in range(number)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Inputs in the formats of MovieLens, made up."""
    for name, data, number in (("ratings", "movie_ratings", 20_000), ("items", "movie_items", 1682)):
        generate(data, tmp_path / "in" / name / "u.txt", rows=number, seed=1)
    generate("movie_users", tmp_path / "in/users/u.txt", rows=943, seed=1)
    return tmp_path


def read(folder: Path, name: str) -> Any:
    return pd.read_csv(folder / "out" / name, dtype=str, keep_default_na=False)


def put(folder: Path, name: str, text: str | bytes) -> None:
    for old in (folder / "in" / name).glob("*"):
        old.unlink()
    (folder / "in" / name / "own.csv").write_bytes(text.encode() if isinstance(text, str) else text)


def test_warm_and_cold_newest_and_older(folder: Path) -> None:
    assert run(prepare, folder, *SEED) == 0
    training, holdout, cold = (
        read(folder, name)
        for name in ("interactions/interactions.csv", "truth/holdout.csv", "truth/cold.csv")
    )
    summary = json.loads((folder / "out/summary/summary.json").read_text())
    assert len(training) + len(holdout) + len(cold) == summary["interactions"] == 20_000
    assert set(cold.ITEM_ID) == set(summary["cold_items"])
    assert not set(cold.ITEM_ID) & (set(training.ITEM_ID) | set(holdout.ITEM_ID))
    chance = 3 * (summary["items"] / 4) ** 0.5
    assert len(summary["cold_items"]) == pytest.approx(summary["items"] / 2, abs=chance)
    assert len(holdout) / (len(holdout) + len(training)) == pytest.approx(0.1, abs=0.06)  # at least one each
    users = [
        json.loads(line)["userId"] for line in (folder / "out/batch/users.json").read_text().splitlines()
    ]
    assert set(users) == set(holdout.USER_ID)
    newest = read(folder, "truth/newest.csv")
    last = training.drop_duplicates("USER_ID", keep="last").set_index("USER_ID").ITEM_ID
    assert dict(newest.itertuples(index=False)) == last.to_dict()


def test_the_same_seed_gives_the_same_split_another_one_another(folder: Path) -> None:
    cold = []
    for seed in ("1", "1", "2"):
        assert run(prepare, folder, "--seed", seed) == 0
        cold.append(json.loads((folder / "out/summary/summary.json").read_text())["cold_items"])
    assert cold[0] == cold[1] != cold[2]


def test_own_data_with_a_header(folder: Path) -> None:
    put(folder, "ratings", HEADER + "\n".join(rows()))
    put(folder, "items", "ITEM_ID,GENRE\n" + "".join(f"{n},A|B\n" for n in range(211)))
    put(folder, "users", "USER_ID\n" + "".join(f"{n}\n" for n in range(50)))
    assert run(prepare, folder, *SEED) == 0
    assert set(read(folder, "interactions/interactions.csv").EVENT_VALUE.astype(float)) == {1.0}
    assert set(read(folder, "items/items.csv").GENRE) == {"A|B"}


VARIANTS: dict[str, tuple[str, str | bytes]] = {
    "other spelling": ("itemId,genres\n", "{n},A|B\n"),
    "a comma in quotes": ("ITEM_ID,TITLE,GENRE\n", '{n},"American President, The ({n})",A|B\n'),
    "MovieLens 1M, several genres": ("", "{n}::Toy Story (1995)::Animation|Children's|Comedy\n"),
    "MovieLens 1M": ("", '{n}::Fran\xe7ais: "un, deux" ({n})::A|B\n'),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_table_of_films_in_its_variants(folder: Path, variant: str) -> None:
    head, row = VARIANTS[variant]
    put(folder, "ratings", HEADER + "\n".join(rows()))
    text = str(head) + "".join(str(row).format(n=n) for n in range(211))
    put(folder, "items", text.encode("latin-1"))
    put(folder, "users", "".join(f"{n}::F::1::10::48067\n" for n in range(50)))
    assert run(prepare, folder, *SEED) == 0
    items = read(folder, "items/items.csv")
    assert (len(items), set(items.GENRE) - {"Animation|Children's|Comedy"} - {"A|B"}) == (211, set())
    assert set(read(folder, "users/users.csv").GENDER) == {"F"}
    assert set(read(folder, "users/users.csv").AGE) == {"1"}


def test_ratings_of_films_that_have_no_row_are_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(folder, "ratings", HEADER + "\n".join(rows()))
    put(folder, "items", "ITEM_ID,GENRE\n" + "".join(f"{n},A\n" for n in range(200)))
    put(folder, "users", "USER_ID\n" + "".join(f"{n}\n" for n in range(50)))
    assert run(prepare, folder, *SEED) == 0
    absent = json.loads((folder / "out/summary/summary.json").read_text())["absent"]
    assert absent["items"] == pytest.approx(11 / 211, abs=0.001)
    assert absent["users"] == 0
    assert "5.2% of the ratings are of items that the table of items does not have" in capsys.readouterr().out


FAULTS: dict[str, tuple[str, str | bytes, str]] = {
    "empty": ("ratings", "", "own.csv is empty"),
    "only a header": ("ratings", HEADER, "own.csv has no rows"),
    "missing column": ("ratings", "USER_ID,FILM\n1,2\n", "lacks the columns ITEM_ID, TIMESTAMP"),
    "wrong type": ("ratings", HEADER + "1,2,soon\n", "row 2, column TIMESTAMP: 'soon'; expected a number"),
    "milliseconds": ("ratings", HEADER + "1,2,880000000000\n", "expected seconds, not milliseconds"),
    "comma": ("ratings", HEADER + '1,"a, b",3\n', "column ITEM_ID: 'a, b'; an identifier with a comma"),
    "no user": ("ratings", HEADER + ",2,3\n", "column USER_ID: ''; it is empty"),
    "over-long": ("ratings", HEADER + f"{'u' * 257},2,3\n", "at most 256 characters"),
    "header twice": ("ratings", "USER_ID,USER_ID,TIMESTAMP\n1,2,3\n", "names a column twice"),
    "infinite": ("ratings", HEADER + "1,2,inf\n", "row 2, column TIMESTAMP: 'inf'; expected a number"),
    "before 1970": ("ratings", HEADER + "1,2,-5\n", "column TIMESTAMP: '-5'; expected seconds since 1970"),
    "other names": (
        "ratings",
        "userId,movieId,rating,timestamp\n1,2,3.5,880000000\n",
        "lacks the columns ITEM_ID; it has USER_ID, movieId, rating, TIMESTAMP",
    ),
    "surplus values": ("ratings", HEADER + "1,2,3,4\n", "own.csv, line 2: 4 values, expected 3: USER_ID"),
    "one surplus value": ("ratings", HEADER + "1,2,3\n1,2,3,4\n", "line 3: 4 values, expected 3"),
    "missing values": ("ratings", HEADER + "1,2,3\n1,2\n", "line 3: 2 values, expected 3"),
    "a stray quote": ("ratings", HEADER + '1,2,3\n1,"2"x,3\n', "own.csv, line 3: "),
    "surplus values without a header": ("ratings", "1\t2\t3\t4\t5\n", "line 1: 5 values, expected 4"),
    "a comma in a title": (
        "items",
        "ITEM_ID,TITLE,GENRE\n1,American President, The,Drama\n",
        "own.csv, line 2: 4 values, expected 3: ITEM_ID, TITLE, GENRE",
    ),
    "no genres": ("items", "ITEM_ID,TITLE\n1,Toy Story\n", "lacks the column GENRE; it has ITEM_ID, TITLE"),
    "no known table": (
        "items",
        "1;Toy Story;Comedy\n",
        "has neither a header with the columns nor ITEM_ID, TITLE",
    ),
    "another catalogue": (
        "items",
        "ITEM_ID,GENRE\nx,A\n",
        "100.0% of the ratings are of items that the table",
    ),
    "too few": (
        "ratings",
        HEADER + "\n".join(rows(900)),
        "interactions are left to train on, 1000 are needed",
    ),
    "too few users": ("ratings", HEADER + "\n".join(rows(4000, 20)), "only 20 users have two interactions"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_fit_is_named_and_nothing_is_written(folder: Path, fault: str) -> None:
    name, text, expected = FAULTS[fault]
    put(folder, name, text)
    assert run(prepare, folder, *SEED) == 1
    assert expected in (folder / "why").read_text()
    assert not list((folder / "out").rglob("*.csv"))


def test_two_files_where_one_is_expected(folder: Path) -> None:
    (folder / "in/items/more.txt").write_text("1|x\n")
    assert run(prepare, folder, *SEED) == 1
    assert "the input items has 2 files" in (folder / "why").read_text()
