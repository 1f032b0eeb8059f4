"""Requests to an endpoint as customers would send them, with a shift on purpose where that is asked for."""

from __future__ import annotations

import csv
import json
import logging
import random
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from airflow.sdk import task

from aws_ml.clients import Aws
from aws_ml.names import run_key
from include.use_cases.catalogue import CLASSIFIERS, RECOMMENDERS
from include.workflows.classification.registry import champion_of
from include.workflows.common.errors import NothingServes, UnknownColumn
from include.workflows.common.s3_documents import read_json, read_lines, write_text
from include.workflows.simulation.interactions import log_visits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.use_cases.definition import UseCase

log = logging.getLogger(__name__)

Row = dict[str, str]
Requests = list[tuple[int, list[Row]]]  # rows of each request, with its number
ROWS_PER_REQUEST = 10
CONCURRENT = 4  # requests
REQUESTS_PER_FILE = 50  # of labels


@task
def send(bucket: str, **context: Any) -> dict[str, Any]:
    """Send rows like those that the champion learned from to its endpoint; or log interactions.

    Labels arrive while the traffic goes on, each after its request.

    :return: `rows` sent, `requests`, `shifted` columns, `labels` (S3 URIs of the ground truth); of a
        recommendation use case what `log_visits` returns.
    :raises NothingServes: when no version is approved.
    :raises UnknownColumn: when a column that is to be shifted does not exist.
    """
    params, key = context["params"], run_key(context["dag_run"])
    if params["use_case"] in RECOMMENDERS:
        return log_visits(RECOMMENDERS[params["use_case"]], bucket, context)
    case = CLASSIFIERS[params["use_case"]]
    serving = champion_of(case)
    if serving is None:
        raise NothingServes(f"{case.name}: no version is approved; run the DAG {case.name} first.")
    chance = random.Random(f"{key}-{params['seed']}")  # noqa: S311 — made-up customers are no secret
    learned = list(csv.DictReader(read_lines(f"{serving.run}/training_rows/train.csv")))
    importance = read_json(f"{serving.run}/baseline/importance.json")
    columns = params["columns"] or [most_important(case, importance)]
    if unknown := [name for name in columns if case.columns.get(name) not in ("number", "category")]:
        raise UnknownColumn(f"{case.name} has no column {', '.join(unknown)} to shift.")
    rows = chance.choices(learned, k=params["rows"])
    if params["shift"]:
        for column in columns:
            rows = shift_column(rows, learned, case, column, params["shift"], chance)
    parts = [rows[start : start + ROWS_PER_REQUEST] for start in range(0, len(rows), ROWS_PER_REQUEST)]
    labels = []
    for requests in call(case, parts, key, params["seconds"]):
        labels += [write_truth(bucket, case, requests, key)] if params["ground_truth"] else []
    return {
        "rows": len(rows),
        "requests": len(parts),
        "shifted": columns if params["shift"] else [],
        "labels": labels,
    }


def most_important(case: UseCase, importance: dict[str, float]) -> str:
    """The number column that weighs most in the model."""
    numbers = [name for name, kind in case.columns.items() if kind == "number"]
    return max(numbers, key=lambda name: importance.get(name, 0.0))


def shift_column(
    rows: list[Row], learned: list[Row], case: UseCase, column: str, strength: float, chance: random.Random
) -> list[Row]:
    """Rows with one column shifted.

    :param learned: the training rows.
    :param strength: of a number, in standard deviations of the training rows; of a category, the share of
        rows that get its rarest value.
    """
    change = (
        _number_shift(learned, column, strength)
        if case.columns[column] == "number"
        else _category_shift(learned, column, strength, chance)
    )
    return [{**row, column: change(row[column])} for row in rows]


def _number_shift(learned: list[Row], column: str, strength: float) -> Callable[[str], str]:
    values = [float(row[column]) for row in learned if row[column]]
    step = strength * statistics.pstdev(values)
    whole = all(value.is_integer() for value in values)

    def change(text: str) -> str:
        if not text:
            return text
        number = max(float(text) + step, min(values))
        return str(round(number)) if whole else f"{number:.4g}"

    return change


def _category_shift(
    learned: list[Row], column: str, share: float, chance: random.Random
) -> Callable[[str], str]:
    counts = Counter(row[column] for row in learned)
    rarest = min(sorted(counts), key=counts.__getitem__)
    return lambda text: rarest if chance.random() < share else text


def call(case: UseCase, parts: list[list[Row]], key: str, seconds: float) -> Iterator[Requests]:
    """Send each part as one request, spread over some seconds; yields requests that were answered."""
    runtime = Aws().client("sagemaker-runtime")
    names = [name for name, kind in case.columns.items() if kind != "label"]
    start = time.monotonic()

    def ask(numbered: tuple[int, list[Row]]) -> None:
        number, rows = numbered
        due = start + seconds * number / len(parts)
        time.sleep(max(due - time.monotonic(), 0))
        runtime.invoke_endpoint(
            EndpointName=case.endpoint,
            Body=_csv(rows, names).encode(),
            ContentType="text/csv",
            Accept="text/csv",
            InferenceId=f"{key}-{number}",
        )

    numbered = list(enumerate(parts))
    with ThreadPoolExecutor(CONCURRENT) as pool:
        for first in range(0, len(numbered), REQUESTS_PER_FILE):
            requests = numbered[first : first + REQUESTS_PER_FILE]
            list(pool.map(ask, requests))
            yield requests
    log.info("%d requests were answered in %.1f s", len(parts), time.monotonic() - start)


def _csv(rows: list[Row], names: list[str]) -> str:
    import io

    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writerows(rows)
    return text.getvalue()


def write_truth(bucket: str, case: UseCase, requests: Requests, key: str) -> str:
    """Put the labels where the monitor looks for them, one record per request, and return the URI."""
    hour = time.strftime("%Y/%m/%d/%H", time.gmtime())
    uri = f"s3://{bucket}/{case.name}/ground_truth/{hour}/{key}-{requests[0][0]:06}.jsonl"
    write_text(uri, "".join(f"{line}\n" for line in truth(case, requests, key)))
    return uri


def truth(case: UseCase, requests: Requests, key: str) -> Iterator[str]:
    """Ground truth records as Model Monitor reads them: one per request, a label per row."""
    for number, rows in requests:
        data = "\n".join(row[case.label_column] for row in rows)
        yield json.dumps(
            {
                "groundTruthData": {"data": data, "encoding": "CSV"},
                "eventMetadata": {"eventId": f"{key}-{number}"},
                "eventVersion": "0",
            }
        )
