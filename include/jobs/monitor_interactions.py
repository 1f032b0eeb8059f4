"""Processing job: what users did in a window, compared with what the recommenders have learned from.

Inputs, below `--input`: `baseline/*.csv` (the training interactions), `interactions/` (the log of the
window, `data.events.read_log`), and where they are known `recommendations/*.out` (lists made right after
the training) with `holdout/holdout.csv` (what users really did next, at that time).

| signal | drift |
|---|---|
| POPULARITY, EVENT_TYPE, EVENT_VALUE | the distribution is further from the baseline's than `--drift` (PSI) |
| new users, new items | so many of the events are theirs: `--new-share` |
| NDCG at 10 of the lists | it fell by `--decline` against the hold-out: users do other things than expected |

EVENT_TYPE and EVENT_VALUE are compared where the training knows more than one of them, and the window any:
the workflow itself fills in what a table lacks.

POPULARITY is which tenth of the training events an item belongs to, the most popular ones first. What users
do next is less popular than what they did (they know that already): the hold-out is this column's baseline.

Outputs, below `--output`: `drift.json`, `report.html`, `statistics.json` of the window. A window with too few
events is "not enough data"; events that cannot be read are left out, counted, and named in `drift.json`;
where they are more than the others, or most events are of other days, the window is "unreadable".
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.capture import BadLine, parse_time
from data.events import NO_VALUE, add_log_argument, read_lists, read_log, read_pairs, without
from drift import model_monitor
from drift.columns import DRIFT, OK, WATCH, Thresholds
from drift.distances import SIGMAS
from drift.profile import CategoryColumn, Profile
from drift.verdict import NOT_ENOUGH, UNREADABLE, Rules, judge, worst
from drift.window import Faults, add_window_arguments, mostly_unreadable, numbers
from job import FOLDER, DataError, arguments, run, staged
from quality.ranking import ndcg_by_user
from reports.interactions import InteractionsReport

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from data.capture import Line
    from data.events import Event

VERSION = "1.0"
KINDS = {"EVENT_TYPE": "category", "EVENT_VALUE": "number"}
AS_BEFORE = "users do what they did before"
POPULARITY, BANDS = "POPULARITY", 10
CUTOFF = 10
HOLDOUT = "holdout/holdout.csv"
CHUNK_ROWS = 50_000
DAY = 86_400.0  # seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: monitor(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Compare a window of interactions with the training data.")
    add_window_arguments(parser)
    add_log_argument(parser)
    parser.add_argument(
        "--new-share", type=float, default=0.4, help="of events by new users, or of new items"
    )
    parser.add_argument(
        "--decline", type=float, default=0.3, help="relative fall of NDCG at 10 that is drift"
    )
    parser.add_argument("--title", default="Drift of interactions")
    parser.add_argument("--input", type=Path, default=FOLDER / "input")
    parser.add_argument("--output", type=Path, default=FOLDER / "output/report")
    return parser.parse_args(argv)


@dataclass(frozen=True)
class Signal:
    """A number beside its limit, as it stands in drift.json."""

    name: str
    value: float
    before: float  # of the baseline
    limit: float
    band: str
    text: str


@dataclass
class Events:
    """The events of a window, or of the training: profiles, and who did what."""

    profile: Profile
    pairs: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # items by user
    by_user: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    by_item: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    faults: Faults = field(default_factory=Faults)
    files: int = 0
    outside: int = 0
    astray: int = 0  # of those outside, over a day
    astray_seconds: int = 0  # the time of one of them
    rows: int = 0
    distinct: dict[str, set[Any]] = field(default_factory=lambda: {name: set() for name in KINDS})
    _waiting: list[Event] = field(default_factory=list, init=False)

    def read(self, lines: Iterable[Line[Event]], start: float, end: float) -> Events:
        """Count the events from `start` until before `end`, seconds since 1970."""
        names = set()
        for line in lines:
            names.add(line.file)
            if isinstance(line.content, BadLine):
                self.faults.add(line, line.content)
            elif start <= line.content.seconds < end:
                self._add(line.content)
            else:
                self.outside += 1
                if not start - DAY <= line.content.seconds < end + DAY:
                    self.astray += 1
                    self.astray_seconds = line.content.seconds
        self._flush()
        self.files = len(names)
        return self

    def _add(self, event: Event) -> None:
        self.rows += 1
        self.pairs[event.user].add(event.item)
        self.by_user[event.user] += 1
        self.by_item[event.item] += 1
        self._waiting.append(event)
        if len(self._waiting) >= CHUNK_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            kinds = np.array([event.kind for event in self._waiting], dtype=object)
            values = numbers(tuple(event.value for event in self._waiting))[0]
            self._note("EVENT_TYPE", (event.kind for event in self._waiting if event.kind))
            self._note("EVENT_VALUE", values[~np.isnan(values)].tolist())
            values[np.isnan(values)] = NO_VALUE  # as the training has it
            self.profile.update({"EVENT_TYPE": kinds, "EVENT_VALUE": values})
        self._waiting = []

    def _note(self, name: str, values: Iterable[Any]) -> None:
        """Remember two different values of a column: whether there is one, and whether there is another."""
        for value in values:
            if len(self.distinct[name]) > 1:
                return
            self.distinct[name].add(value)

    @property
    def unreadable(self) -> str | None:
        """Why the log says nothing: most lines cannot be read, or are of other days; None where it does."""
        read = self.rows + self.outside
        if self.astray > read - self.astray:
            moment = f"{datetime.fromtimestamp(self.astray_seconds, UTC):%Y-%m-%d %H:%M}"
            return (
                f"{self.astray:,} of {read:,} events are over a day outside the window, at {moment} for "
                "example: TIMESTAMP has to be in seconds since 1970, UTC"
            )
        return mostly_unreadable("lines of the log", self.faults.count, read, self.faults, self.files)

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "records": self.rows,
            "files": self.files,
            "users": len(self.by_user),
            "items": len(self.by_item),
            "ignored_records": 0,
            "records_outside": self.outside,
            "misfit_rows": 0,
            "bad_lines": self.faults.examples,
            "bad_line_count": self.faults.count,
        }


def monitor(options: argparse.Namespace) -> None:
    """Read, compare, write.

    :raises DataError: when the baseline or a setting cannot be used; nothing is written then.
    """
    start, end = span(options)
    training = Events(Profile.of(KINDS)).read(read_log(options.input / "baseline"), -math.inf, math.inf)
    if not training.rows or training.faults.count:
        reason = f"; {training.faults.examples[0]['reason']}" if training.faults.count else ""
        raise DataError(
            f"the baseline holds {training.rows} events and {training.faults.count} bad lines{reason}"
        )
    log = read_log(options.input / "interactions", options.log_columns)
    window = Events(training.profile.empty()).read(log, start, end)
    add_popularity(training, window, options.input / HOLDOUT)
    enough = window.rows >= options.minimum_rows
    signals, missing = judge_signals(options, training, window) if enough else ([], [])
    document = describe(options, training, window, signals, missing)
    page = InteractionsReport(document, training.profile.columns, window.profile.columns, []).html()
    statistics = model_monitor.statistics(window.rows, window.profile)
    with staged(options.output) as folder:
        for name, content in (("drift", document), ("statistics", statistics)):
            (folder / f"{name}.json").write_text(json.dumps(content, indent=1, allow_nan=False))
        (folder / "report.html").write_text(page, encoding="utf-8")
    for line in window.faults.examples:
        print(f"WARNING: {line['file']}, line {line['line']} is left out: {line['reason']}")
    print(f"{document['verdict']}: {document['reason']}")


def span(options: argparse.Namespace) -> tuple[float, float]:
    """The window in seconds since 1970; without limits, all events.

    :raises DataError: when `--start` or `--end` is not a time.
    """
    try:
        start, end = (parse_time(text).timestamp() if text else None for text in (options.start, options.end))
    except BadLine as error:
        raise DataError(f"--start or --end: {error}") from error
    return -math.inf if start is None else start, math.inf if end is None else end


def add_popularity(training: Events, window: Events, holdout: Path) -> None:
    """Add the column POPULARITY to both profiles; items that the training does not know are left out."""
    order = sorted(training.by_item, key=lambda item: (-training.by_item[item], item))
    ends = np.cumsum([training.by_item[item] for item in order]) / training.rows
    tenths = np.minimum((ends * BANDS).astype(int), BANDS - 1) + 1
    bands = {item: f"tenth {tenth:02}" for item, tenth in zip(order, tenths.tolist(), strict=True)}
    expected = training.by_item
    if holdout.is_file():
        expected = Counter(item for items in read_pairs(holdout).values() for item in items)
    for events, counts in ((training, expected), (window, window.by_item)):
        column = CategoryColumn(dict.fromkeys(bands.values(), 0))
        for item, number in counts.items():
            if item in bands:
                column.counts[bands[item]] += number
        events.profile.columns[POPULARITY] = column


def describe(
    options: argparse.Namespace,
    training: Events,
    window: Events,
    signals: list[Signal],
    missing: list[str],
) -> dict[str, Any]:
    """The content of `drift.json`: that of `monitor.py`, with `signals` instead of predictions.

    :param missing: what could not be measured, in words.
    """
    rules = Rules(options.minimum_rows, Thresholds(options.watch, options.drift))
    enough = window.rows >= options.minimum_rows
    names, absent = comparable(training, window) if enough else ([], [])
    weights = {name: 1 / len(names) for name in names}
    used = Profile({name: window.profile.columns[name] for name in names})
    columns, share = judge(training.profile, used, weights, rules)
    moved = [signal.text for signal in signals if signal.band != OK]
    moved += [f"{column.name} moved (PSI {column.psi:.2f})" for column in columns if column.band != OK]
    bands = [*(column.band for column in columns), *(signal.band for signal in signals)]
    needed = (
        f"{window.rows:,} events in the window, {options.minimum_rows:,} are needed to tell drift from chance"
    )
    return {
        "version": VERSION,
        "title": options.title,
        "window": {"start": options.start, "end": options.end, **window.to_json()},
        "baseline": {"rows": training.rows, "users": len(training.by_user), "items": len(training.by_item)},
        "verdict": UNREADABLE if window.unreadable else worst(OK, *bands) if enough else NOT_ENOUGH,
        "reason": (
            window.unreadable
            or ("; ".join([*(moved or [AS_BEFORE]), *absent, *missing]) if enough else needed)
        )
        + ".",
        "share": share,
        "columns": [column.to_json() for column in columns],
        "signals": [asdict(signal) for signal in signals],
        "predictions": None,
        "data_quality": {"violations": 0, "checks": {}},
        "model_quality": None,
    }


def comparable(training: Events, window: Events) -> tuple[list[str], list[str]]:
    """The columns in which a window can be compared; and those of which it has nothing, in words."""
    informative = [name for name in KINDS if len(training.distinct[name]) > 1]
    absent = [name for name in informative if not window.distinct[name]]
    names = [
        name
        for name, column in training.profile.columns.items()
        if column.present and (name not in KINDS or (name in informative and name not in absent))
    ]
    return names, [f"{name} is not measured: no event of the window has one" for name in absent]


def judge_signals(
    options: argparse.Namespace, training: Events, window: Events
) -> tuple[list[Signal], list[str]]:
    """The shares of what is new, and what the recommendations were worth; and what could not be measured."""
    signals = [
        _new(f"events {word}", window_counts, training_counts, options.new_share)
        for word, window_counts, training_counts in (
            ("by new users", window.by_user, training.by_user),
            ("of new items", window.by_item, training.by_item),
        )
    ]
    lists, holdout = options.input / "recommendations", options.input / HOLDOUT
    if not (lists.is_dir() and holdout.is_file()):
        return signals, ["the recommendations are not measured: there are no lists of the champion"]
    offered = without(read_lists(lists), training.pairs)
    before, after = worth(offered, read_pairs(holdout), training), worth(offered, window.pairs, training)
    if len(after) > 1 and len(before) > 1:
        return [*signals, _decline(before, after, options.decline)], []
    users = f"{len(before)} users of the hold-out and {len(after)} of the window"
    return signals, [f"the recommendations are not measured: {users} have a list"]


def _new(
    name: str, window_counts: Mapping[str, int], training_counts: Mapping[str, int], limit: float
) -> Signal:
    """The share of events that are of users, or items, which the training does not know."""
    rows = sum(window_counts.values())
    share = sum(number for key, number in window_counts.items() if key not in training_counts) / rows
    sure = share - SIGMAS * math.sqrt(share * (1 - share) / rows)
    band = DRIFT if sure > limit else WATCH if sure > limit / 2 else OK
    return Signal(name, share, 0.0, limit, band, f"{share:.0%} of the {name}")


def worth(offered: Mapping[str, list[str]], done: Mapping[str, set[str]], training: Events) -> np.ndarray:
    """NDCG at 10 of each user's list against what the user did that was new, shape (users,)."""
    new = {user: done.get(user, set()) - training.pairs.get(user, set()) for user in offered}
    return ndcg_by_user(offered, {user: items for user, items in new.items() if items}, CUTOFF)


def _decline(before: np.ndarray, after: np.ndarray, limit: float) -> Signal:
    """How far the lists' worth fell; chance is allowed for by the means' standard errors.

    A few users may be all alike, so the window's worth is taken to vary at least as the hold-out's.
    """
    was, now = float(before.mean()), float(after.mean())
    spread = before.var(ddof=1)
    error = math.sqrt(spread / len(before) + max(spread, after.var(ddof=1)) / len(after))
    fell = was - now - SIGMAS * error
    band = DRIFT if fell > limit * was else WATCH if fell > limit * was / 2 else OK
    text = f"NDCG at {CUTOFF} of the recommendations went from {was:.3f} to {now:.3f} ({len(after)} users)"
    return Signal(f"NDCG at {CUTOFF}", now, was, limit, band, text)


if __name__ == "__main__":
    sys.exit(main())
