"""The scikit-learn image serves a script's hooks."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.local_aws.containers.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.local_aws.containers.box import Serving

DOUBLE = """
class Double:
    def predict(self, rows):
        return rows * 2
def model_fn(folder):
    assert open(folder + "/model").read() == "fitted"
    return Double()
"""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    box = Box(tmp_path_factory.mktemp("ml"), "scikit_learn")
    box.write("model/model", "fitted")
    box.write("model/code/inference.py", DOUBLE)
    with box.serve(SAGEMAKER_PROGRAM="inference.py") as running:
        yield running


def test_the_default_hooks_support_json_csv_and_npy(serving: Serving) -> None:
    assert serving.ask("[[1, 2], [3, 4]]", "application/json") == (
        200,
        "[[2.0, 4.0], [6.0, 8.0]]",
        "application/json",
    )
    assert serving.ask("1,2\n3,4\n", "text/csv; charset=utf-8", "text/csv") == (
        200,
        "2.0,4.0\n6.0,8.0\n",
        "text/csv",
    )
    sent = io.BytesIO()
    np.save(sent, np.array([1.5]))
    assert serving.ask(sent.getvalue(), "application/x-npy")[1] == "[3.0]"


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "reason"),
    [
        ("1,x\n", "text/csv", "", 400, "The body is not text/csv"),
        ("{", "application/json", "", 400, "The body is not application/json"),
        (b"\xff\xfe", "text/csv", "", 400, "The body is not text/csv"),
        ("1", "image/png", "", 415, "Content type 'image/png' is not supported"),
        ("1", "text/csv", "image/png", 406, "Accept 'image/png' is not supported"),
        (b"\x93NUMPY\x01\x00", "application/x-npy", "", 400, "The body is not application/x-npy"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused(
    serving: Serving, body: str | bytes, content_type: str, accept: str, status: int, reason: str
) -> None:
    actual, answer, _ = serving.ask(body, content_type, accept)
    assert actual == status
    assert json.loads(answer)["error"].startswith(reason)


def test_a_pickle_is_never_loaded_from_a_request(serving: Serving) -> None:
    sent = io.BytesIO()
    np.save(sent, np.array([{"a": 1}]), allow_pickle=True)
    assert serving.ask(sent.getvalue(), "application/x-npy")[0] == 400


def test_a_body_above_the_limit_is_refused(serving: Serving) -> None:
    assert serving.ask(b"1" * (6 * 1024**2 + 1))[0] == 413


def test_a_transform_job_may_send_more(tmp_path: Path) -> None:
    box = Box(tmp_path, "scikit_learn")
    box.write(
        "code/inference.py",
        "def model_fn(f): return 0\ndef transform_fn(m, body, kind, accept): return str(len(body))",
    )
    settings = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": str(tmp_path / "code")}
    with box.serve(**settings, SAGEMAKER_BATCH="true") as serving:
        assert serving.ask(b"1" * (7 * 1024**2))[:2] == (200, str(7 * 1024**2))
        status, parameters = serving.get("/execution-parameters")
        assert (status, parameters["BatchStrategy"]) == (200, "MULTI_RECORD")


def test_an_exception_in_a_hook_is_a_500_with_its_trace_only_in_the_log(tmp_path: Path) -> None:
    box = Box(tmp_path, "scikit_learn")
    code = "def model_fn(f): return 0\ndef predict_fn(data, model): raise RuntimeError('the secret')"
    box.write("model/code/inference.py", code)
    with box.serve(SAGEMAKER_PROGRAM="inference.py") as serving:
        status, answer, _ = serving.ask("1")
        assert status == 500
        assert "secret" not in answer
        assert "RuntimeError: the secret" in serving.log
        assert serving.get("/ping")[0] == 200


def test_a_hook_may_answer_with_a_wsgi_application(tmp_path: Path) -> None:
    """A Flask response is one: the way to a status of one's own that works on AWS too."""
    box = Box(tmp_path, "scikit_learn")
    box.write(
        "model/code/inference.py",
        """
from flask import Response
def model_fn(folder): return 0
def input_fn(body, kind): return body
def predict_fn(data, model): return Response('{"error": "no"}', status=422, mimetype="application/json")
def output_fn(prediction, accept): return prediction
""",
    )
    with box.serve(SAGEMAKER_PROGRAM="inference.py") as serving:
        assert serving.ask("1") == (422, '{"error": "no"}', "application/json")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("x = 1", "the script defines no model_fn"),
        (
            "def model_fn(f): pass\ndef transform_fn(*a): pass\ndef predict_fn(*a): pass",
            "transform_fn and predict_fn",
        ),
    ],
)
def test_a_script_that_cannot_serve_ends_the_container_with_the_reason(
    tmp_path: Path, script: str, reason: str
) -> None:
    box = Box(tmp_path, "scikit_learn")
    box.write("model/code/inference.py", script)
    with box.serve(SAGEMAKER_PROGRAM="inference.py") as serving:
        assert serving.process.wait(30) == 1
        assert reason in serving.log
