"""The server reads what botocore writes, and botocore reads what the server writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from include.local_aws.protocol.errors import AwsError
from include.local_aws.protocol.http import Request
from include.local_aws.protocol.models import protocol_of, service_model
from include.local_aws.protocol.parse import parse
from include.local_aws.protocol.router import Match, route
from include.local_aws.protocol.serialize import serialize, serialize_error

ROLE = "arn:aws:iam::123456789012:role/ml-workflows"
MOMENT = datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("s3", "ListBuckets", {}),
    (
        "s3",
        "PutObject",
        {"Bucket": "b", "Key": "k", "Body": b"x", "Metadata": {"a": "1"}, "ContentType": "t/x"},
    ),
    ("s3", "GetObject", {"Bucket": "b", "Key": "a/b c/ü", "Range": "bytes=0-9", "IfModifiedSince": MOMENT}),
    ("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "a/", "Delimiter": "/", "MaxKeys": 7}),
    ("s3", "DeleteObjects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "a/b"}], "Quiet": True}}),
    ("s3", "UploadPart", {"Bucket": "b", "Key": "k", "PartNumber": 3, "UploadId": "u", "Body": b"part"}),
    ("s3", "CopyObject", {"Bucket": "b", "Key": "k", "CopySource": "b/other"}),
    ("s3", "PutBucketTagging", {"Bucket": "b", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}),
    ("sagemaker", "DescribeTrainingJob", {"TrainingJobName": "churn"}),
    ("sagemaker", "ListModels", {"CreationTimeAfter": MOMENT, "MaxResults": 5}),
    (
        "sagemaker-runtime",
        "InvokeEndpoint",
        {"EndpointName": "churn", "Body": b"\x00\xff", "ContentType": "text/csv", "TargetVariant": "B"},
    ),
    (
        "personalize",
        "DescribeCampaign",
        {"campaignArn": "arn:aws:personalize:eu-west-1:123456789012:campaign/c"},
    ),
    (
        "personalize-runtime",
        "GetRecommendations",
        {"campaignArn": "arn:aws:x", "userId": "7", "numResults": 5},
    ),
    (
        "personalize-events",
        "PutEvents",
        {
            "trackingId": "t",
            "sessionId": "s",
            "eventList": [{"eventType": "RATING", "sentAt": MOMENT, "properties": '{"itemId": "1"}'}],
        },
    ),
    (
        "sagemaker-featurestore-runtime",
        "GetRecord",
        {"FeatureGroupName": "claims", "RecordIdentifierValueAsString": "7", "FeatureNames": ["a", "b"]},
    ),
    ("logs", "GetLogEvents", {"logGroupName": "g", "logStreamName": "s", "startFromHead": True}),
]


def wire(service: str, operation: str, params: dict[str, Any]) -> Request:
    """The HTTP request that botocore makes of a call."""
    serialized = create_serializer(protocol_of(service)).serialize_to_request(
        params, service_model(service).operation_model(operation)
    )
    path, _, fixed = serialized["url_path"].partition("?")
    query = "&".join(
        part for part in (fixed, urlencode(serialized["query_string"] or {}, doseq=True)) if part
    )
    headers = {name.lower(): str(value) for name, value in serialized["headers"].items()}
    body = serialized["body"] or b""
    return Request(
        serialized["method"], path, query, headers, body.encode() if isinstance(body, str) else body
    )


def seconds(value: Any) -> Any:
    """Timestamps as the server sees them."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {name: seconds(inner) for name, inner in value.items()}
    return [seconds(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("service", "operation", "params"), REQUESTS, ids=lambda value: str(value)[:24])
def test_every_request_of_botocore_is_recognised_and_read(
    service: str, operation: str, params: dict[str, Any]
) -> None:
    request = wire(service, operation, params)
    match = route(service, request)
    assert match is not None
    assert match.operation.name == operation
    assert parse(match, request) == seconds(params)


ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "s3",
        "ListObjectsV2",
        {
            "Name": "b",
            "Contents": [{"Key": "<&>", "Size": 3, "LastModified": MOMENT, "ETag": '"e"'}],
            "CommonPrefixes": [{"Prefix": "a/"}],
            "IsTruncated": False,
        },
    ),
    ("s3", "GetBucketAcl", {"Owner": {"ID": "x"}, "Grants": [{"Grantee": {"Type": "Group", "URI": "u"}}]}),
    ("s3", "HeadObject", {"ETag": '"e"', "LastModified": MOMENT, "Metadata": {"a": "b"}}),
    ("s3", "GetObjectTagging", {"TagSet": [{"Key": "a", "Value": "b"}]}),
    ("sagemaker", "DescribeEndpoint", {"EndpointName": "e", "EndpointArn": "arn", "CreationTime": MOMENT}),
    ("sagemaker-runtime", "InvokeEndpoint", {"ContentType": "text/csv", "InvokedProductionVariant": "A"}),
    ("personalize-runtime", "GetRecommendations", {"itemList": [{"itemId": "1", "score": 0.5}]}),
]


def read(service: str, operation: str, response: Any) -> dict[str, Any]:
    wired = {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body}
    model = service_model(service).operation_model(operation)
    parsed: dict[str, Any] = create_parser(protocol_of(service)).parse(wired, model.output_shape)
    return parsed


@pytest.mark.parametrize(("service", "operation", "output"), ANSWERS, ids=lambda value: str(value)[:24])
def test_every_answer_is_read_by_botocore(service: str, operation: str, output: dict[str, Any]) -> None:
    match = Match(service, service_model(service).operation_model(operation), {})
    parsed = read(service, operation, serialize(match, seconds(output)))
    assert {name: value for name, value in parsed.items() if name in output} == output


@pytest.mark.parametrize("service", ["s3", "sagemaker", "sagemaker-runtime", "personalize-runtime", "logs"])
def test_errors_reach_clients_with_code_text_and_status(service: str) -> None:
    response = serialize_error(service, AwsError("NoSuchThing", "It is <not> there.", 404), "request-1")
    operation = service_model(service).operation_names[0]
    parsed = read(service, operation, response)
    assert parsed["Error"]["Code"] == "NoSuchThing"
    assert parsed["Error"]["Message"] == "It is <not> there."
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == 404
