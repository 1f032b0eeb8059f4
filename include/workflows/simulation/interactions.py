"""Interactions as an application would log them, with a change of taste on purpose where asked for."""

from __future__ import annotations

import csv
import io
import random
import time
from typing import TYPE_CHECKING, Any

from aws_ml.names import run_key
from include.workflows.common.errors import NothingServes
from include.workflows.common.s3_documents import read_lines, write_text
from include.workflows.recommendation.campaigns import served

if TYPE_CHECKING:
    from include.use_cases.definition import RecommendationUseCase

Visit = tuple[str, str]  # user and item
FIELDS = ("USER_ID", "ITEM_ID", "EVENT_VALUE", "TIMESTAMP", "EVENT_TYPE")


def log_visits(case: RecommendationUseCase, bucket: str, context: Any) -> dict[str, Any]:
    """Write interactions where the monitor looks for them: what users did next, taken from the hold-out.

    `shift` is the share of them that follows another taste: each item is replaced by another one, always
    by the same one, so that a new training can learn it.

    :return: `rows` written, `shift`, `files` (S3 URIs).
    :raises NothingServes: when no campaign serves.
    """
    params, key = context["params"], run_key(context["dag_run"])
    serving = served(case, bucket)
    if serving is None:
        raise NothingServes(f"{case.name}: no campaign serves; run the DAG {case.name} first.")
    chance = random.Random(f"{key}-{params['seed']}")  # noqa: S311 — made-up visitors are no secret
    holdout, training = (
        list(csv.DictReader(read_lines(f"{serving.run}/{place}")))
        for place in ("truth/holdout.csv", "interactions/interactions.csv")
    )
    values = [row["EVENT_VALUE"] for row in training]
    visits = another_taste(
        _visits(training), chance.choices(_visits(holdout), k=params["rows"]), params, chance
    )
    uri = f"s3://{bucket}/{case.name}/interactions/{time.strftime('%Y/%m/%d/%H', time.gmtime())}/{key}.csv"
    write_text(uri, _table(visits, case.event_type, chance.choices(values, k=len(visits))))
    return {"rows": len(visits), "shift": params["shift"], "files": [uri]}


def another_taste(
    earlier: list[Visit], visits: list[Visit], params: dict[str, Any], chance: random.Random
) -> list[Visit]:
    """Visits of which the share `shift` is replaced by earlier ones with their items exchanged."""
    items = sorted({item for _, item in earlier})
    others = random.Random(params["seed"]).sample(items, len(items))  # noqa: S311
    exchanged = dict(zip(items, others, strict=True))
    mixed = []
    for visit in visits:
        if chance.random() < params["shift"]:
            user, item = chance.choice(earlier)
            mixed.append((user, exchanged[item]))
        else:
            mixed.append(visit)
    return mixed


def _visits(rows: list[dict[str, str]]) -> list[Visit]:
    return [(row["USER_ID"], row["ITEM_ID"]) for row in rows]


def _table(visits: list[Visit], event_type: str, values: list[str]) -> str:
    """The log as CSV; all happened in the last second."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    now = int(time.time())
    rated = zip(visits, values, strict=True)
    writer.writerows((user, item, value, now, event_type) for (user, item), value in rated)
    return text.getvalue()
