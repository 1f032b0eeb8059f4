from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.local_aws.protocol.errors import ValidationException
from include.local_aws.sagemaker.listing import Listing
from tests.local_aws.sagemaker.job_requests import (
    finished_processing,
    finished_training,
    processing,
    training,
)

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = Listing(name="JobName", status="JobStatus")


def job(name: str, created: float, status: str = "Completed", **members: Any) -> dict[str, Any]:
    return {"JobName": name, "CreationTime": created, "JobStatus": status, **members}


@pytest.fixture
def jobs() -> list[dict[str, Any]]:
    """Ten jobs; job-0 is the oldest, job-4 and job-5 have the same age."""
    times = [0, 1, 2, 3, 4, 4, 6, 7, 8, 9]
    return [job(f"job-{n}", time, "Failed" if n % 3 else "Completed") for n, time in enumerate(times)]


def names(documents: list[dict[str, Any]]) -> list[str]:
    return [document["JobName"] for document in documents]


def pages(documents: list[dict[str, Any]], **params: Any) -> list[list[str]]:
    """All names, page by page."""
    pages_of_names = []
    while True:
        page, token = JOBS.page(documents, params)
        pages_of_names.append(names(page))
        if token is None:
            return pages_of_names
        params["NextToken"] = token


def test_the_newest_come_first(jobs: list[dict[str, Any]]) -> None:
    assert names(JOBS.page(jobs, {"MaxResults": 3})[0]) == ["job-9", "job-8", "job-7"]


def test_pages_hold_everything_once(jobs: list[dict[str, Any]]) -> None:
    assert pages(jobs, MaxResults=4) == [
        ["job-9", "job-8", "job-7", "job-6"],
        ["job-5", "job-4", "job-3", "job-2"],
        ["job-1", "job-0"],
    ]
    assert pages(jobs, MaxResults=5)[1] == ["job-4", "job-3", "job-2", "job-1", "job-0"]
    assert pages(jobs, MaxResults=1, SortOrder="Ascending") == [[f"job-{n}"] for n in range(10)]
    assert pages([]) == [[]]


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_jobs_that_arrive_between_pages_neither_repeat_nor_hide_others(
    jobs: list[dict[str, Any]], order: str
) -> None:
    first, token = JOBS.page(jobs, {"MaxResults": 5, "SortOrder": order})
    arrived = [*jobs, job("newer", 100), job("older", -1)]
    rest, end = JOBS.page(arrived, {"MaxResults": 50, "SortOrder": order, "NextToken": token})
    assert end is None
    assert [n for n in names(first + rest) if n.startswith("job-")] == names(
        sorted(jobs, key=lambda j: (j["CreationTime"], j["JobName"]), reverse=order == "Descending")
    )


def test_a_job_that_was_deleted_between_pages_does_not_hide_others(jobs: list[dict[str, Any]]) -> None:
    first, token = JOBS.page(jobs, {"MaxResults": 3})
    remaining = [document for document in jobs if document not in first]
    assert names(JOBS.page(remaining, {"MaxResults": 2, "NextToken": token})[0]) == ["job-6", "job-5"]


def test_filters(jobs: list[dict[str, Any]]) -> None:
    jobs.append(job("Other", 5.5, "InProgress", LastModifiedTime=50))
    everything = {"MaxResults": 100, "SortBy": "Name", "SortOrder": "Ascending"}

    def filtered(**filters: Any) -> Any:
        return names(JOBS.page(jobs, everything | filters)[0])

    assert filtered(NameContains="the") == ["Other"]
    assert filtered(NameContains="JOB-1") == ["job-1"]
    assert filtered(StatusEquals="InProgress") == ["Other"]
    assert filtered(CreationTimeAfter=7) == ["job-8", "job-9"]
    assert filtered(CreationTimeBefore=1) == ["job-0"]
    assert filtered(LastModifiedTimeAfter=9) == ["Other"]
    assert filtered(CreationTimeAfter=5, LastModifiedTimeBefore=8) == ["job-6", "job-7"]
    assert filtered(NameContains="nobody") == []


def test_a_page_is_taken_first_and_filtered_then(jobs: list[dict[str, Any]]) -> None:
    """As on AWS (boto3 issues 2521, 2838, 2973): a page may be empty and have a token."""
    jobs[0] |= {"JobStatus": "Stopped"}
    by_page = pages(jobs, MaxResults=4, StatusEquals="Stopped")
    assert by_page == [[], [], ["job-0"]]


def test_sorting_by_status(jobs: list[dict[str, Any]]) -> None:
    assert pages(jobs, SortBy="Status", SortOrder="Ascending", MaxResults=4)[0] == [
        "job-0",
        "job-3",
        "job-6",
        "job-9",
    ]


def test_a_token_belongs_to_its_request(jobs: list[dict[str, Any]]) -> None:
    _, token = JOBS.page(jobs, {"MaxResults": 3, "NameContains": "job"})
    for changed in ({"NameContains": "o"}, {"NameContains": "job", "SortOrder": "Ascending"}):
        with pytest.raises(ValidationException, match="pagination token"):
            JOBS.page(jobs, {"NextToken": token, **changed})
    other = Listing(name="JobName", status="JobStatus", sort_by="Name")
    assert other.page(jobs, {"MaxResults": 3})[1] != token


@pytest.mark.parametrize("token", ["nonsense", "bm9uc2Vuc2U=", "é", base64.b64encode(b"[]").decode()])
def test_a_forged_token_is_refused(jobs: list[dict[str, Any]], token: str) -> None:
    with pytest.raises(ValidationException, match="pagination token"):
        JOBS.page(jobs, {"NextToken": token})


def test_a_token_whose_key_has_another_type_is_refused(jobs: list[dict[str, Any]]) -> None:
    _, token = JOBS.page(jobs, {"MaxResults": 3})
    assert token is not None
    content = json.loads(base64.urlsafe_b64decode(token))
    content[-2] = "yesterday"
    forged = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    with pytest.raises(ValidationException, match="pagination token"):
        JOBS.page(jobs, {"NextToken": forged})


def test_jobs_are_listed_with_their_outcome(
    sagemaker: Any, script: Callable[[str], str], bucket: str
) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    for name in ("list-a", "list-b", "list-c"):
        code = script("raise SystemExit(1)" if name == "list-b" else "pass")
        sagemaker.create_processing_job(**processing(name, code))
        finished_processing(sagemaker, name)
    everything = sagemaker.get_paginator("list_processing_jobs").paginate(
        NameContains="list-", CreationTimeAfter=before, PaginationConfig={"PageSize": 2}
    )
    summaries = [summary for page in everything for summary in page["ProcessingJobSummaries"]]
    statuses = {summary["ProcessingJobName"]: summary["ProcessingJobStatus"] for summary in summaries}
    assert statuses == {"list-a": "Completed", "list-b": "Failed", "list-c": "Completed"}
    assert "exit code: 1" in summaries[1]["FailureReason"]
    failed = sagemaker.list_processing_jobs(NameContains="list-", StatusEquals="Failed")
    assert [summary["ProcessingJobName"] for summary in failed["ProcessingJobSummaries"]] == ["list-b"]
    assert sagemaker.list_processing_jobs(CreationTimeBefore=before)["ProcessingJobSummaries"] == []

    sagemaker.create_training_job(**training("list-t", script("pass"), bucket))
    finished_training(sagemaker, "list-t")
    (summary,) = sagemaker.list_training_jobs(NameContains="list-")["TrainingJobSummaries"]
    assert (summary["TrainingJobStatus"], summary["SecondaryStatus"]) == ("Completed", "Completed")
