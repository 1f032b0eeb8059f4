"""The settings of a laptop: whatever the user has set for AWS, everything goes to the local AWS."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scripts import local_settings as local

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:4577"
USERS = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_REGION": "us-west-2",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_ENDPOINT_URL": "https://elsewhere.example",
    "AWS_ENDPOINT_URL_S3": "https://elsewhere.example",
    "AWS_ENDPOINT_URL_SAGEMAKER": "https://elsewhere.example",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/real",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "https://elsewhere.example",
    "AWS_CA_BUNDLE": "/nonexistent",
    "AWS_CONFIG_FILE": "/nonexistent",
    "HTTP_PROXY": "http://elsewhere.example:3128",
    "http_proxy": "http://elsewhere.example:3128",
}
CONFIG = """
[default]
region = us-west-2
endpoint_url = https://elsewhere.example
services = mine
[services mine]
s3 =
  endpoint_url = https://elsewhere.example
"""
CLIENTS = """
import boto3, urllib.request
session = boto3.Session()
for service in ("s3", "sagemaker", "sagemaker-runtime", "personalize", "sts"):
    print(session.client(service).meta.endpoint_url)
print(session.region_name, session.get_credentials().access_key, session.get_credentials().token)
print(urllib.request.proxy_bypass("127.0.0.1"))
"""


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user who works with AWS, and has all kinds of settings for it."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(CONFIG)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)


def test_nothing_of_the_users_aws_reaches_airflow(users: None) -> None:
    environment = local.airflow_environment(URL, port=8080)
    names = {name for name in environment if name.startswith("AWS_")}
    assert names == set(local.aws_environment(URL))
    clients = subprocess.run(
        [sys.executable, "-c", CLIENTS], env=environment, capture_output=True, text=True, check=True
    )
    *endpoints, identity, bypasses_proxy = clients.stdout.splitlines()
    assert set(endpoints) == {URL}
    assert identity == f"{local.REGION} local None"
    assert bypasses_proxy in ("1", "True")


def test_a_script_forgets_the_users_aws(users: None) -> None:
    before = dict(os.environ)
    try:
        local.forget_aws()
        assert [name for name in os.environ if name.startswith("AWS_")] == []
        assert os.environ["NO_PROXY"].endswith("127.0.0.1,localhost")
        assert os.environ["HOME"] == before["HOME"]
    finally:
        os.environ.clear()
        os.environ.update(before)
