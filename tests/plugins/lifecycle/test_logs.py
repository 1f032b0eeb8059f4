"""A cursor lets each line of a job's log through once."""

from __future__ import annotations

from typing import Any

from aws_ml.lifecycle.logs import LogCursor


def event(number: int, moment: int) -> dict[str, Any]:
    return {"eventId": str(number), "timestamp": moment}


def test_a_cursor_takes_each_event_once_also_a_late_one_and_after_a_restart() -> None:
    cursor = LogCursor()
    assert [cursor.take(event(1, 10_000)), cursor.take(event(1, 10_000))] == [True, False]
    assert cursor.take(event(2, 8_000))  # another host's line, late
    again = LogCursor.load(cursor.dump())
    assert [again.take(event(n, 10_000)) for n in (1, 3)] == [False, True]
    assert again.start == 5_000


def test_a_cursor_stays_small() -> None:
    cursor = LogCursor()
    for number in range(100_000):
        assert cursor.take(event(number, number * 10))
    assert len(cursor.dump()["read"]) <= 501
