"""Generated films, users of two tastes, and the calls of the notebooks that use them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NAMESPACE = "com.amazonaws.personalize.schema"
ROLE = "arn:aws:iam::123456789012:role/personalize"
BUCKET = "films"
RECIPE = "arn:aws:personalize:::recipe/{}"
USERS, ITEMS, EVENTS = 60, 120, 20
FIELDS: dict[str, list[dict[str, Any]]] = {
    "Interactions": [
        {"name": "USER_ID", "type": "string"},
        {"name": "ITEM_ID", "type": "string"},
        {"name": "EVENT_VALUE", "type": "float"},
        {"name": "TIMESTAMP", "type": "long"},
        {"name": "EVENT_TYPE", "type": "string"},
    ],
    "Items": [
        {"name": "ITEM_ID", "type": "string"},
        {"name": "GENRE", "type": ["null", "string"], "categorical": True},
        {"name": "YEAR", "type": "int"},
    ],
    "Users": [{"name": "USER_ID", "type": "string"}, {"name": "AGE", "type": "int"}],
}


def schema(kind: str, **changes: Any) -> str:
    record = {
        "type": "record",
        "name": kind,
        "namespace": NAMESPACE,
        "fields": FIELDS[kind],
        "version": "1.0",
    }
    return json.dumps(record | changes)


def taste(item: int) -> str:
    return "Comedy" if item % 2 else "Drama|Crime"


def interactions(seed: int = 7) -> str:
    """Users with an odd number like odd items; items from 110 on have no interactions."""
    rng, lines = np.random.default_rng(seed), ["USER_ID,ITEM_ID,EVENT_VALUE,TIMESTAMP,EVENT_TYPE"]
    for user in range(1, USERS + 1):
        taste_items = np.arange(user % 2, 110, 2)
        share = 1 / (3 + np.arange(len(taste_items)))
        watched_items = rng.choice(taste_items, EVENTS, replace=False, p=share / share.sum())
        lines += [
            f"{user},{item},{rng.integers(1, 6)},{880000000 + n * 60},RATING"
            for n, item in enumerate(watched_items)
        ]
    return "\n".join(lines) + "\n"


def items() -> str:
    return "ITEM_ID,GENRE,YEAR\n" + "".join(f"{i},{taste(i)},{1960 + i % 60}\n" for i in range(ITEMS))


def users() -> str:
    return "USER_ID,AGE\n" + "".join(f"{u},{18 + u % 50}\n" for u in range(1, USERS + 1))


def wait(describe: Any, until: str = "ACTIVE", seconds: float = 60) -> dict[str, Any]:
    """Poll a Describe call; returns the resource when it is in the state, has failed, or is stopped."""
    deadline = time.monotonic() + seconds
    while True:
        (resource,) = (value for name, value in describe().items() if name != "ResponseMetadata")
        if resource["status"] in (until, "CREATE FAILED", "CREATE STOPPED"):
            return dict(resource)
        assert time.monotonic() < deadline, f"still {resource['status']}"
        time.sleep(0.05)


@dataclass
class Studio:
    """A dataset group and the resources in it; every method is a few calls of boto3."""

    personalize: Any
    s3: Any
    name: str
    group: str = ""
    arns: dict[str, str] = field(default_factory=dict)

    def open(self, domain: str = "") -> Studio:
        optional = {"domain": domain} if domain else {}
        self.group = self.personalize.create_dataset_group(name=self.name, **optional)["datasetGroupArn"]
        wait(lambda: self.personalize.describe_dataset_group(datasetGroupArn=self.group))
        return self

    def dataset(self, kind: str, **changes: Any) -> str:
        text = schema(kind, **changes)
        schema_arn = self.personalize.create_schema(name=f"{self.name}-{kind}", schema=text)["schemaArn"]
        arn = self.personalize.create_dataset(
            name=f"{self.name}-{kind}", schemaArn=schema_arn, datasetGroupArn=self.group, datasetType=kind
        )["datasetArn"]
        wait(lambda: self.personalize.describe_dataset(datasetArn=arn))
        self.arns[kind], self.arns[f"{kind} schema"] = arn, schema_arn
        return str(arn)

    def load(self, kind: str, text: str | bytes, **options: Any) -> dict[str, Any]:
        key = f"{self.name}/{kind}-{time.monotonic_ns()}.csv"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode() if isinstance(text, str) else text)
        arn = self.personalize.create_dataset_import_job(
            jobName=f"{self.name}-{kind}-{time.monotonic_ns()}",
            datasetArn=self.arns[kind],
            dataSource={"dataLocation": f"s3://{BUCKET}/{key}"},
            roleArn=ROLE,
            **options,
        )["datasetImportJobArn"]
        return wait(lambda: self.personalize.describe_dataset_import_job(datasetImportJobArn=arn))

    def filled(self) -> Studio:
        self.open()
        for kind, text in {"Interactions": interactions(), "Items": items(), "Users": users()}.items():
            self.dataset(kind)
            job = self.load(kind, text)
            assert job["status"] == "ACTIVE", job
        return self

    def solution(self, recipe: str, **options: Any) -> str:
        arn = self.personalize.create_solution(
            datasetGroupArn=self.group,
            recipeArn=RECIPE.format(recipe),
            **{
                "name": f"{self.name}-{recipe.removeprefix('aws-')}"[:63],
                "performAutoTraining": False,
                **options,
            },
        )["solutionArn"]
        wait(lambda: self.personalize.describe_solution(solutionArn=arn))
        return str(arn)

    def version(self, recipe: str, **options: Any) -> dict[str, Any]:
        arn = self.personalize.create_solution_version(solutionArn=self.solution(recipe, **options))
        return self.trained(arn["solutionVersionArn"])

    def trained(self, arn: str) -> dict[str, Any]:
        return wait(lambda: self.personalize.describe_solution_version(solutionVersionArn=arn))

    def campaign(self, version: str, name: str, **options: Any) -> str:
        arn = self.personalize.create_campaign(name=name, solutionVersionArn=version, **options)[
            "campaignArn"
        ]
        resource = wait(lambda: self.personalize.describe_campaign(campaignArn=arn))
        assert resource["status"] == "ACTIVE", resource
        return str(arn)

    def until_deleted(self, describe: Any, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                describe()
            except self.personalize.exceptions.ResourceNotFoundException:
                return
            assert time.monotonic() < deadline, "it still exists"
            time.sleep(0.05)
