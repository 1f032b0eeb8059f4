"""IAM in small: what calls need, and whether the roles of the template grant it.

`Template` reads the template as CloudFormation does; `needs` says which permissions a recorded call takes.
It supports only what the template uses; anything else is an error.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import yaml

from scripts import local_settings as local

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPLATE = local.PROJECT / "include/infrastructure/template.yaml"
ACCOUNT = "123456789012"
TOPIC = f"arn:aws:sns:{local.REGION}:{ACCOUNT}:drift"
PARAMETERS = {"BucketName": local.BUCKET, "DriftTopic": TOPIC, "AllowCleanUp": "yes", "UseMwaa": "yes"}
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": local.REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": "ml",
    "Bucket.Arn": f"arn:aws:s3:::{local.BUCKET}",
    "SageMakerRole.Arn": local.ROLE,  # the local settings know one role for both
    "PersonalizeRole.Arn": local.ROLE,
}
NOTHING = object()  # AWS::NoValue


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """YAML with CloudFormation's short forms: `!Ref x` is {"!Ref": "x"}."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {f"!{suffix}": loader.construct_scalar(node)}
    return {f"!{suffix}": loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


class Template:
    """The template, resolved for some parameters.

    Template(UseMwaa="no").role("AirflowRole").allows(Need("s3:GetObject", "arn:aws:s3:::ml-workflows/a"))
    """

    def __init__(self, **parameters: str) -> None:
        self.raw: dict[str, Any] = yaml.load(TEMPLATE.read_text(), _Loader)  # noqa: S506 — a safe loader
        defaults = {name: parameter.get("Default", "") for name, parameter in self.raw["Parameters"].items()}
        self._values = {**PSEUDO, **defaults, **PARAMETERS, **parameters}

    def resolve(self, value: Any) -> Any:
        """A value without short forms."""
        if isinstance(value, list):
            elements = [self.resolve(element) for element in value]
            return [element for element in elements if element is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and next(iter(value)).startswith("!"):
            ((name, argument),) = value.items()
            return self._call(name, argument)
        members = {key: self.resolve(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member is not NOTHING}

    def _call(self, name: str, argument: Any) -> Any:
        if name in ("!Ref", "!GetAtt"):
            return NOTHING if argument == "AWS::NoValue" else self._values.get(argument, argument)
        if name == "!Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda match: str(self._values[match[1]]), argument)
        if name == "!Equals":
            return self.resolve(argument[0]) == self.resolve(argument[1])
        if name == "!Not":
            return not self.resolve(argument[0])
        if name == "!If":
            return self.resolve(argument[1 if self.resolve(self.raw["Conditions"][argument[0]]) else 2])
        raise AssertionError(f"{name} is not understood here")

    def resource(self, name: str) -> dict[str, Any]:
        return dict(self.resolve(self.raw["Resources"][name]["Properties"]))

    def role(self, name: str) -> Role:
        policies = self.resource(name)["Policies"]
        return Role([statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]])


@dataclass(frozen=True)
class Need:
    """One permission: an action on a resource, `*` where the action knows none."""

    action: str
    resource: str
    context: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Role:
    """What a role's statements allow."""

    statements: list[dict[str, Any]]

    @property
    def actions(self) -> set[str]:
        return {action for statement in self.statements for action in _many(statement["Action"])}

    def allows(self, need: Need) -> bool:
        effects = {statement["Effect"] for statement in self.statements if _covers(statement, need)}
        return effects == {"Allow"}


def _many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _covers(statement: dict[str, Any], need: Need) -> bool:
    action = need.action.lower()
    action_matches = any(fnmatchcase(action, like.lower()) for like in _many(statement["Action"]))
    if "NotResource" in statement:
        resource_matches = not any(fnmatchcase(need.resource, arn) for arn in _many(statement["NotResource"]))
    else:
        resource_matches = any(fnmatchcase(need.resource, arn) for arn in _many(statement["Resource"]))
    conditions = statement.get("Condition", {})
    assert set(conditions) <= {"StringEquals", "StringLike"}, conditions
    tests = [test for members in conditions.values() for test in members.items()]
    return (
        action_matches
        and resource_matches
        and all(key in need.context and fnmatchcase(need.context[key], like) for key, like in tests)
    )


# S3's operations whose permission has another name
S3 = {
    "HeadObject": "GetObject",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
}
# hooks name Airflow, but for those that use boto3's resources, as S3Hook does to read
AIRFLOW = re.compile(r"\bAirflow/|\bResource$")
FREE = {"sts:GetCallerIdentity"}
# what clean_up deletes it has found by its tag
TAGGED = {"aws:ResourceTag/aws-ml:use-case": "any"}


def needs(event: dict[str, Any]) -> Iterator[Need]:
    """The permissions that a recorded call takes."""
    service, name = event["eventSource"].removesuffix(".amazonaws.com"), event["eventName"]
    parameters: dict[str, Any] = event["requestParameters"]
    if service == "s3":
        yield from _needs_of_s3(name, parameters)
        return
    if f"{service}:{name}" in FREE:
        return
    resource = _resource(service, name, parameters)
    yield Need(f"{'tag' if service == 'tagging' else service}:{name}", resource, TAGGED)
    if service == "sagemaker" and parameters.get("Tags"):
        yield Need("sagemaker:AddTags", resource)
    if service == "personalize" and parameters.get("tags"):
        yield Need("personalize:TagResource", resource)
    for role in re.findall(r'"(?:Execution)?[Rr]oleArn": "([^"]+)"', json.dumps(parameters)):
        yield Need("iam:PassRole", role, {"iam:PassedToService": f"{service}.amazonaws.com"})


def _needs_of_s3(name: str, parameters: dict[str, Any]) -> Iterator[Need]:
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    keys = [parameters["Key"]] if "Key" in parameters else []
    keys += [entry["Key"] for entry in parameters.get("Delete", {}).get("Objects", [])]
    if name == "CopyObject":
        yield Need("s3:GetObject", f"arn:aws:s3:::{parameters['CopySource']}")
        name = "PutObject"
    for resource in [f"{bucket}/{key}" for key in keys] or [bucket]:
        yield Need(f"s3:{S3.get(name, name)}", resource)


def _resource(service: str, name: str, parameters: dict[str, Any]) -> str:
    """The ARN that a call is about, as far as its parameters tell; lists have none."""
    if re.match("List(?!Tags)", name) or service == "tagging":
        return "*"
    if topic := parameters.get("TopicArn"):
        return str(topic)
    start = f"arn:aws:{service}:{local.REGION}:{ACCOUNT}"
    if service == "logs":
        return f"{start}:log-group:{parameters['logGroupName']}"
    kind = re.sub("^(Create|Describe|Update|Delete|Stop|Invoke)", "", name)
    named = str(parameters.get(f"{kind}Name", parameters.get("name", "any")))
    return named if named.startswith("arn:") else f"{start}:{_kebab(kind)}/{named}"


def _kebab(words: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", words).lower()


def of_airflow(record: Path) -> list[dict[str, Any]]:
    """The recorded calls of Airflow's tasks and triggers, without those of tests, containers and clients."""
    events = [json.loads(line) for line in record.read_text().splitlines()]
    return [event for event in events if AIRFLOW.search(event["userAgent"])]


def refused(role: Role, events: list[dict[str, Any]]) -> set[str]:
    """What a role lacks for some calls, as `action on resource`."""
    distinct = {(need.action, need.resource): need for event in events for need in needs(event)}
    return {
        f"{action} on {resource}" for (action, resource), need in distinct.items() if not role.allows(need)
    }
