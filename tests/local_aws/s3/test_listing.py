from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.local_aws.s3.conftest import Refused

KEYS = [
    "a.csv",
    "data/test/t.csv",
    "data/train/1.csv",
    "data/train/2.csv",
    "data/z",
    "logs/x",
    "über/ü &<>\n+ %.csv",
]


@pytest.fixture(scope="module")
def stocked(s3: Any) -> str:
    s3.create_bucket(Bucket="stocked", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for key in KEYS:
        s3.put_object(Bucket="stocked", Key=key, Body=key.encode())
    return "stocked"


def keys(answer: dict[str, Any]) -> list[str]:
    return [entry["Key"] for entry in answer.get("Contents", [])]


def prefixes(answer: dict[str, Any]) -> list[str]:
    return [entry["Prefix"] for entry in answer.get("CommonPrefixes", [])]


@pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects"])
def test_objects_are_listed_in_order_with_what_is_known_of_them(
    s3: Any, stocked: str, operation: str
) -> None:
    answer = getattr(s3, operation)(Bucket=stocked)
    assert keys(answer) == KEYS
    assert answer["IsTruncated"] is False
    first = answer["Contents"][0]
    head = s3.head_object(Bucket=stocked, Key="a.csv")
    assert (first["Size"], first["ETag"]) == (5, head["ETag"])
    assert first["LastModified"] == head["LastModified"]
    assert (first["StorageClass"], first["ChecksumAlgorithm"]) == ("STANDARD", ["CRC32"])


@pytest.mark.parametrize(
    ("members", "objects", "folders"),
    [
        ({"Delimiter": "/"}, ["a.csv"], ["data/", "logs/", "über/"]),
        ({"Prefix": "data/"}, KEYS[1:5], []),
        ({"Prefix": "data/", "Delimiter": "/"}, ["data/z"], ["data/test/", "data/train/"]),
        ({"Prefix": "data", "Delimiter": "/"}, [], ["data/"]),
        ({"Prefix": "data/t", "Delimiter": "/"}, [], ["data/test/", "data/train/"]),
        ({"Prefix": "data/train/1.csv"}, ["data/train/1.csv"], []),
        ({"Prefix": "none"}, [], []),
        ({"Delimiter": ".csv", "Prefix": "data/t"}, [], KEYS[1:4]),
        ({"Prefix": "", "Delimiter": ""}, KEYS, []),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_prefixes_and_delimiters_fold_keys_into_folders(
    s3: Any, stocked: str, members: dict[str, str], objects: list[str], folders: list[str], size: int
) -> None:
    for operation in ("list_objects_v2", "list_objects"):
        pages = list(s3.get_paginator(operation).paginate(Bucket=stocked, **members, MaxKeys=size))
        assert [key for page in pages for key in keys(page)] == objects
        assert [prefix for page in pages for prefix in prefixes(page)] == folders
        assert all(len(keys(page)) + len(prefixes(page)) <= size for page in pages)


def test_a_page_has_the_token_of_the_next_page(s3: Any, stocked: str) -> None:
    page = s3.list_objects_v2(Bucket=stocked, MaxKeys=2)
    assert (page["KeyCount"], page["MaxKeys"], page["IsTruncated"]) == (2, 2, True)
    rest = s3.list_objects_v2(Bucket=stocked, ContinuationToken=page["NextContinuationToken"])
    assert (keys(rest), rest["IsTruncated"]) == (KEYS[2:], False)
    assert "NextContinuationToken" not in rest
    old = s3.list_objects(Bucket=stocked, MaxKeys=2)
    assert "NextMarker" not in old  # as on AWS without a delimiter: the last key is the marker
    assert keys(s3.list_objects(Bucket=stocked, Marker="data/test/t.csv")) == KEYS[2:]


def test_a_full_last_page_is_not_truncated(s3: Any, stocked: str) -> None:
    assert s3.list_objects_v2(Bucket=stocked, MaxKeys=len(KEYS))["IsTruncated"] is False
    assert s3.list_objects_v2(Bucket=stocked, MaxKeys=4, Delimiter="/")["IsTruncated"] is False


def test_a_page_of_no_keys_is_empty(s3: Any, stocked: str) -> None:
    answer = s3.list_objects_v2(Bucket=stocked, MaxKeys=0)
    assert (keys(answer), answer["IsTruncated"]) == ([], False)


def test_a_listing_can_start_after_any_text(s3: Any, stocked: str) -> None:
    answer = s3.list_objects_v2(Bucket=stocked, StartAfter="data/train/1")
    assert (keys(answer), answer["StartAfter"]) == (KEYS[2:], "data/train/1")


def test_owners_are_named_on_request(s3: Any, stocked: str) -> None:
    assert "Owner" not in s3.list_objects_v2(Bucket=stocked)["Contents"][0]
    owner = s3.list_objects_v2(Bucket=stocked, FetchOwner=True)["Contents"][0]["Owner"]
    assert owner == s3.list_buckets()["Owner"]


def test_the_client_undoes_the_encoding_of_keys(s3: Any, stocked: str) -> None:
    answer = s3.list_objects_v2(Bucket=stocked, Prefix="über/", Delimiter="&")
    assert (answer["Prefix"], prefixes(answer)) == ("über/", ["über/ü &"])
    raw = s3.list_objects_v2(Bucket=stocked, Prefix="über/", EncodingType="url")
    assert keys(raw) == ["%C3%BCber/%C3%BC+%26%3C%3E%0A%2B+%25.csv"]


def test_versions_are_the_objects_themselves(s3: Any, stocked: str) -> None:
    pages = list(
        s3.get_paginator("list_object_versions").paginate(Bucket=stocked, PaginationConfig={"PageSize": 3})
    )
    versions = [version for page in pages for version in page.get("Versions", [])]
    assert [version["Key"] for version in versions] == KEYS
    assert {(version["VersionId"], version["IsLatest"]) for version in versions} == {("null", True)}
    folded = s3.list_object_versions(Bucket=stocked, Delimiter="/")
    assert prefixes(folded) == ["data/", "logs/", "über/"]


def test_a_bad_page_is_refused(s3: Any, stocked: str, refused: type[Refused]) -> None:
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket=stocked, MaxKeys=-1)
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket=stocked, ContinuationToken="not a token")


def test_the_providers_check_of_an_input_prefix_finds_its_folder(s3: Any, stocked: str) -> None:
    """Airflow's S3Hook.check_for_prefix: the parent's CommonPrefixes must hold the prefix itself."""
    assert "data/train/" in prefixes(s3.list_objects_v2(Bucket=stocked, Prefix="data/", Delimiter="/"))
    assert "data/" in prefixes(s3.list_objects_v2(Bucket=stocked, Prefix="data", Delimiter="/"))


def test_an_empty_bucket_lists_nothing(s3: Any, bucket: str) -> None:
    answer = s3.list_objects_v2(Bucket=bucket)
    assert (answer["KeyCount"], "Contents" in answer) == (0, False)
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)
