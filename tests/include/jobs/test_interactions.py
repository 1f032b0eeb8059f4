"""Drift of interactions: new users and items, another popularity, other events, worse recommendations."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import assemble_interactions
import compare_recommenders
import monitor_interactions
from tests.include.movie_recommendations.places import run

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "USER_ID,ITEM_ID,EVENT_VALUE,TIMESTAMP,EVENT_TYPE"
NOW = 1_700_000_000  # 2023-11-14T22:13:20Z
Visit = tuple[str, str]


def lines(visits: list[Visit], *, moment: int = NOW, kind: str = "RATING") -> list[str]:
    return [f"{user},{item},3,{moment},{kind}" for user, item in visits]


def write(path: Path, text: list[str], head: str = HEAD) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in [head, *text]))


@dataclass
class Town:
    """300 users in two groups; each group visits the items of its half, the first ones of it most."""

    folder: Path
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    items: list[list[str]] = field(
        default_factory=lambda: [[f"{half}{n}" for n in range(60)] for half in "ab"]
    )

    def __post_init__(self) -> None:
        self.training = self.visits(9000)
        trained = set(self.training)
        self.next = [visit for visit in self.visits(6000) if visit not in trained]
        write(self.folder / "in/baseline/interactions.csv", lines(self.training, moment=NOW - 99999))
        write(
            self.folder / "in/holdout/holdout.csv", [f"{u},{i}" for u, i in set(self.next)], "USER_ID,ITEM_ID"
        )
        self.recommend("in/recommendations")

    def visits(self, number: int) -> list[Visit]:
        visits = []
        for _ in range(number):
            user = self.chance.randrange(300)
            place = min(int(self.chance.expovariate(1 / 12)), 59)
            visits.append((f"u{user}", self.items[user % 2][place]))
        return visits

    def recommend(self, place: str, *, halves: tuple[int, int] = (0, 1)) -> None:
        """Lists of the items of a user's half, in their order."""
        path = self.folder / place / "users.json.out"
        path.parent.mkdir(parents=True, exist_ok=True)
        answers = [
            {
                "input": {"userId": f"u{user}"},
                "output": {"recommendedItems": self.items[halves[user % 2]]},
                "error": None,
            }
            for user in range(300)
        ]
        path.write_text("".join(f"{json.dumps(answer)}\n" for answer in answers))

    def log(self, text: list[str], head: str = HEAD) -> None:
        write(self.folder / "in/interactions/2023/11/14/22/log.csv", text, head)

    def judged(self, *arguments: str) -> dict[str, Any]:
        assert run(monitor_interactions, self.folder, *arguments) == 0
        return dict(json.loads((self.folder / "out/drift.json").read_text()))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def bands(document: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["band"] for entry in (*document["columns"], *document["signals"])}


def test_users_who_do_what_was_expected_are_no_drift(town: Town) -> None:
    town.log(lines(town.next[:2000]))
    document = town.judged()
    assert document["verdict"] == "ok", document["reason"]
    assert set(bands(document)) == {
        "POPULARITY",
        *("events by new users", "events of new items", "NDCG at 10"),
    }
    page = (town.folder / "out/report.html").read_text()
    assert "No drift" in page
    assert "<script" not in page
    assert json.loads((town.folder / "out/statistics.json").read_text())["dataset"]["item_count"] == 2000


def test_two_users_who_want_something_else_are_no_decline(town: Town) -> None:
    """All others do again what the training knows, so the worth of the lists rests on these two."""
    rare = [(f"u{user}", town.items[user % 2][58]) for user in range(2)]
    town.log(lines([*town.training[:2000], *rare]))
    document = town.judged()
    (signal,) = (entry for entry in document["signals"] if entry["name"] == "NDCG at 10")
    assert signal["value"] == 0.0
    assert signal["band"] != "drift"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("events by new users", lambda user, item: (f"new {user}", item)),
        ("events of new items", lambda user, item: (user, f"new {item}")),
        ("NDCG at 10", lambda user, item: (user, f"{'ab'[item[0] == 'a']}{item[1:]}")),
        ("POPULARITY", lambda user, item: (user, f"{item[0]}{59 - int(item[1:])}")),
    ],
)
def test_each_change_has_its_signal(town: Town, name: str, change: Any) -> None:
    town.log(lines([change(*visit) for visit in town.next[:2000]]))
    document = town.judged()
    assert document["verdict"] == "drift"
    assert bands(document)[name] == "drift"


def retrain_with(town: Town, text: list[str]) -> None:
    """The training interactions, as a workflow leaves them that learned from more than one kind of event."""
    write(town.folder / "in/baseline/interactions.csv", text)


def of_two_kinds(visits: list[Visit], *, moment: int = NOW) -> list[str]:
    """Ratings of 3 and, one in ten, purchases of the value 5."""
    return [
        f"{user},{item},{5 if place % 10 == 0 else 3},{moment},{'BUY' if place % 10 == 0 else 'RATING'}"
        for place, (user, item) in enumerate(visits)
    ]


def test_what_the_workflow_fills_in_is_not_compared(town: Town) -> None:
    """It names all events RATING: another name in the log would be drift for ever, retraining or not."""
    town.log(lines(town.next[:2000], kind="click"))
    assert town.judged()["verdict"] == "ok"
    town.log([f"{user},{item},{NOW}" for user, item in town.next[:2000]], "USER_ID,ITEM_ID,TIMESTAMP")
    document = town.judged()
    assert document["verdict"] == "ok", document["reason"]


def test_what_a_log_does_not_have_is_named_and_no_drift(town: Town) -> None:
    retrain_with(town, of_two_kinds(town.training, moment=NOW - 99999))
    town.log(of_two_kinds(town.next[:2000]))
    assert town.judged()["verdict"] == "ok"
    town.log([f"{user},{item},{NOW}" for user, item in town.next[:2000]], "USER_ID,ITEM_ID,TIMESTAMP")
    document = town.judged()
    assert document["verdict"] == "ok", document["reason"]
    for name in ("EVENT_TYPE", "EVENT_VALUE"):
        assert f"{name} is not measured: no event of the window has one" in document["reason"]


def test_another_mix_of_events_is_drift(town: Town) -> None:
    retrain_with(town, of_two_kinds(town.training, moment=NOW - 99999))
    town.log([*lines(town.next[:1000]), *lines(town.next[1000:2000], kind="PURCHASE")])
    document = town.judged()
    assert document["verdict"] == "drift"
    assert "EVENT_TYPE" in document["reason"]


@pytest.mark.numbers
def test_false_alarms_are_rare(town: Town) -> None:
    verdicts = []
    for _ in range(100):
        size = town.chance.choice([200, 500, 2000, 5000])
        town.log(lines(town.chance.choices(town.next, k=size)))
        verdicts.append(town.judged()["verdict"])
    print(f"\ninteractions: {verdicts.count('drift')} of {len(verdicts)} ordinary windows drifted")
    assert verdicts.count("drift") == 0  # fewer than one in a hundred


def test_only_the_window_counts(town: Town) -> None:
    town.log([*lines(town.next[:300]), *lines(town.next[300:900], moment=NOW - 3600)])
    document = town.judged("--start", "2023-11-14T22:13:00Z", "--end", "2023-11-14T22:14:00Z")
    assert (document["window"]["rows"], document["window"]["records_outside"]) == (300, 600)


def test_a_log_of_other_days_is_unreadable(town: Town) -> None:
    """Its clock is wrong, or its unit: hours of events would else be "not enough data", for ever."""
    span = ("--start", "2023-11-14T22:00:00Z", "--end", "2023-11-14T23:00:00Z")
    town.log([*lines(town.next[:300]), *lines(town.next[300:900], moment=NOW // 1000)])
    document = town.judged(*span)
    assert document["verdict"] == "unreadable"
    assert "600 of 900 events are over a day outside the window, at 1970-01-20 16:13" in document["reason"]
    town.log([*lines(town.next[:300]), *lines(town.next[300:900], moment=NOW - 3600)])
    assert town.judged(*span)["verdict"] != "unreadable"  # files also hold events of the hours before


@pytest.mark.parametrize("rows", [0, 199])
def test_too_few_events_are_not_enough_data(town: Town, rows: int) -> None:
    if rows:
        town.log(lines([("stranger", "unheard of")] * rows))
    document = town.judged()
    assert document["verdict"] == "not enough data"
    assert f"{rows} events" in document["reason"]


def test_bad_lines_are_left_out_counted_and_named(town: Town) -> None:
    good = lines(town.next[:400])
    bad = ["u1,a1,3,soon,RATING", f"u1,a1,3,{NOW}000,RATING", ",a1,3,1,RATING", "u1,a"]
    town.log([*good[:200], *bad[:3], *good[200:], bad[3]])
    document = town.judged()
    assert document["window"]["rows"] == 400
    assert document["window"]["bad_line_count"] == 4
    reasons = [line["reason"] for line in document["window"]["bad_lines"]]
    assert "TIMESTAMP 'soon' is no number" in reasons
    assert any("milliseconds" in reason for reason in reasons)
    assert document["window"]["bad_lines"][0]["line"] == 202
    assert "2 values, expected 5" in (town.folder / "out/report.html").read_text()


def test_a_log_without_the_columns_is_named(town: Town) -> None:
    town.log(lines(town.next[:400]), head="who,what,value,when,how")
    document = town.judged()
    assert document["verdict"] == "unreadable"
    assert document["window"]["bad_line_count"] == 400
    assert "400 of 400 lines of the log cannot be read: 2023" in document["reason"]
    assert document["window"]["bad_lines"][0]["reason"] == "the header lacks USER_ID, ITEM_ID, TIMESTAMP"


def test_without_a_baseline_nothing_is_written(town: Town) -> None:
    (town.folder / "in/baseline/interactions.csv").unlink()
    town.log(lines(town.next[:400]))
    assert run(monitor_interactions, town.folder) == 1
    assert "the baseline holds 0 events" in (town.folder / "why").read_text()
    assert not list((town.folder / "out").glob("*"))


# ---- champion and challenger


@pytest.fixture
def contest(town: Town) -> Town:
    for side in ("champion", "challenger"):
        write(town.folder / f"in/learned_by_{side}/interactions.csv", lines(town.training))
        town.recommend(f"in/{side}")
    return town


def comparison(town: Town) -> dict[str, Any]:
    assert run(compare_recommenders, town.folder) == 0
    return dict(json.loads((town.folder / "out/comparison.json").read_text()))


def test_the_recommender_that_knows_its_users_wins(contest: Town) -> None:
    contest.recommend("in/champion", halves=(1, 0))
    document = comparison(contest)
    assert document["champion"]["ndcg_10"] == 0
    assert document["challenger"]["ndcg_10"] > 0.2
    assert document["better_share"] == 1
    assert document["compared_on"].endswith(f"of {document['rows']} users, new to both")
    assert ": champion and challenger" in (contest.folder / "out/report.html").read_text()


def test_equal_recommenders_are_no_gain(contest: Town) -> None:
    document = comparison(contest)
    assert document["gain"]["mean"] == 0
    assert document["better_share"] == 0


def test_what_either_has_learned_does_not_count(contest: Town) -> None:
    learned = contest.next[: len(contest.next) // 2]
    before = comparison(contest)
    write(contest.folder / "in/learned_by_champion/more.csv", lines(learned))
    after = comparison(contest)
    assert after["champion"]["users"] <= before["champion"]["users"]
    events = [int(document["compared_on"].split()[0].replace(",", "")) for document in (before, after)]
    assert events[1] == events[0] - len(set(learned))


@pytest.mark.parametrize("side", ["champion", "challenger"])
def test_users_without_an_answer_are_no_poor_recommendations(contest: Town, side: str) -> None:
    """Half of the champion's answers were throttled: the challenger has not won these users."""
    before, path = comparison(contest), contest.folder / f"in/{side}/users.json.out"
    answers = [json.loads(line) for line in path.read_text().splitlines()]
    for answer in answers[: len(answers) // 3]:
        answer |= {"output": None, "error": {"errorMessage": "throttled"}}
    path.write_text("".join(f"{json.dumps(answer)}\n" for answer in answers))
    after = comparison(contest)
    assert after["gain"]["mean"] == before["gain"]["mean"] == 0
    assert after["rows"] < before["rows"]
    for answer in answers:
        answer |= {"output": None, "error": {"errorMessage": "throttled"}}
    path.write_text("".join(f"{json.dumps(answer)}\n" for answer in answers))
    assert run(compare_recommenders, contest.folder) == 1
    assert f"only 0 of {before['rows']} users were answered by both" in (contest.folder / "why").read_text()


def test_too_few_users_to_compare_on_is_said(contest: Town) -> None:
    write(contest.folder / "in/holdout/holdout.csv", ["u1,a59"], "USER_ID,ITEM_ID")
    assert run(compare_recommenders, contest.folder) == 1
    assert "only 1 users did something new" in (contest.folder / "why").read_text()


def test_a_list_that_is_none_is_named(contest: Town) -> None:
    (contest.folder / "in/champion/users.json.out").write_text('{"input": {}}\n')
    assert run(compare_recommenders, contest.folder) == 1
    assert "users.json.out, line 1 is no recommendation" in (contest.folder / "why").read_text()


# ---- the next training's data


def test_the_log_joins_the_old_interactions(tmp_path: Path) -> None:
    write(
        tmp_path / "in/ratings/own.csv",
        ["u1,i1,4,100", "u1,i2,5,200"],
        "USER_ID,ITEM_ID,EVENT_VALUE,TIMESTAMP",
    )
    write(tmp_path / "in/interactions/a/b.csv", ["u1,i1,2,300,RATING", "u2,i9,,400,RATING", "u2,i9,x"])
    assert run(assemble_interactions, tmp_path) == 0
    rows = (tmp_path / "out/interactions.csv").read_text().splitlines()
    assert rows == [
        "USER_ID,ITEM_ID,EVENT_VALUE,TIMESTAMP",
        *("u1,i2,5.0,200", "u1,i1,2.0,300", "u2,i9,1.0,400"),
    ]


def test_without_a_log_the_old_interactions_are_all(tmp_path: Path) -> None:
    write(tmp_path / "in/ratings/own.csv", ["u1,i1,4,100"], "USER_ID,ITEM_ID,EVENT_VALUE,TIMESTAMP")
    assert run(assemble_interactions, tmp_path) == 0
    assert len((tmp_path / "out/interactions.csv").read_text().splitlines()) == 2
