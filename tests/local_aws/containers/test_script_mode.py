"""Script mode of both framework images: environment, arguments and code of a script."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from include.local_aws.containers.toolkit.code import BadCode, unpack
from tests.local_aws.containers.box import Box

if TYPE_CHECKING:
    from pathlib import Path

SHOW = """
import json, os, sys
variables = {name: value for name, value in os.environ.items() if name.startswith("SM_")}
out = os.environ["SM_OUTPUT_DATA_DIR"]
with open(out + "/facts.json", "w") as file:
    facts = {"arguments": sys.argv[1:], "environment": variables, "folder": os.getcwd(), "path": sys.path}
    json.dump(facts, file)
with open(os.environ["SM_MODEL_DIR"] + "/model", "w") as file:
    file.write("fitted")
"""


@pytest.fixture(params=["scikit_learn", "xgboost"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    return Box(tmp_path, request.param)


def settings(program: str = "train.py", **hyperparameters: str) -> dict[str, str]:
    """Hyperparameters as the SDK writes them: JSON in strings."""
    return {"sagemaker_program": json.dumps(program), **hyperparameters}


def test_a_script_gets_arguments_and_sm_variables(box: Box) -> None:
    box.write("code/train.py", SHOW)
    box.write("input/data/train/a.csv", "1\n")
    outcome = box.train(
        settings(max_depth="5", objective='"binary:logistic"', c="0.5", flag="true", words="plain text"),
        {"train": {"TrainingInputMode": "File"}},
    )
    assert outcome.code == 0, outcome.log
    facts = json.loads((box.folder / "output/data/facts.json").read_text())
    assert facts["arguments"] == [
        *("-c", "0.5", "--flag", "true", "--max_depth", "5"),
        *("--objective", "binary:logistic", "--words", "plain text"),
    ]
    assert facts["folder"] == str(box.folder / "code")
    assert not any("include" in entry for entry in facts["path"])  # none of the project is on its path
    variables = facts["environment"]
    assert variables["SM_CHANNEL_TRAIN"] == str(box.folder / "input/data/train")
    assert variables["SM_MODEL_DIR"] == str(box.folder / "model")
    assert json.loads(variables["SM_CHANNELS"]) == ["train"]
    assert json.loads(variables["SM_HPS"]) == {
        "max_depth": 5,
        "objective": "binary:logistic",
        "c": 0.5,
        "flag": True,
        "words": "plain text",
    }
    assert variables["SM_HP_MAX_DEPTH"] == "5"
    assert variables["SM_USER_ENTRY_POINT"] == "train.py"
    assert variables["SM_CURRENT_HOST"] == "algo-1"
    assert json.loads(variables["SM_TRAINING_ENV"])["hosts"] == ["algo-1"]
    assert (box.folder / "model/model").read_text() == "fitted"


def test_a_script_that_fails_leaves_its_last_lines_as_the_reason(box: Box) -> None:
    box.write(
        "code/train.py",
        "import sys\nprint('reading')\nprint('no such column: x', file=sys.stderr)\nsys.exit(7)",
    )
    outcome = box.train(settings())
    assert outcome.code == 7
    assert outcome.failure.startswith("ExecuteUserScriptError:\nExitCode 7\n")
    assert "no such column: x" in outcome.failure


@pytest.mark.parametrize(
    ("program", "requirements", "reason"),
    [
        ("other.py", "", "the script 'other.py' (sagemaker_program) is not in the code folder"),
        (
            "train.py",
            "numpy\nno-such-package>=1  # comment\n",
            "what the local container lacks: no-such-package>=1",
        ),
        ("train.py", "numpy<0.1", "lacks: numpy<0.1"),
        ("train.py", "-r more.txt", "lacks: -r more.txt"),
    ],
)
def test_code_that_cannot_run_is_refused_before_it_runs(
    box: Box, program: str, requirements: str, reason: str
) -> None:
    box.write("code/train.py", "print('ran')")
    box.write("code/requirements.txt", requirements)
    outcome = box.train(settings(program))
    assert outcome.code == 1
    assert reason in outcome.failure
    assert "ran" not in outcome.log


def pack(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, 1 if kind == tarfile.REGTYPE else 0
    return info


@pytest.mark.parametrize(
    "bad",
    [
        member("../out.txt"),
        member("/tmp/out.txt"),
        member("a/../../out.txt"),
        member("link", tarfile.SYMTYPE, "/etc/passwd"),
        member("link", tarfile.SYMTYPE, "../../out"),
        member("link", tarfile.LNKTYPE, "../out.txt"),
        member("device", tarfile.CHRTYPE),
    ],
    ids=lambda info: f"{info.name}-{info.linkname}",
)
def test_a_bundle_that_climbs_out_is_refused_and_nothing_is_written(
    tmp_path: Path, bad: tarfile.TarInfo
) -> None:
    archive = pack(tmp_path / "sourcedir.tar.gz", member("good.py"), bad)
    (tmp_path / "code").mkdir()
    if bad.name.startswith("/"):  # taken as a name below the folder, as tar does
        unpack(archive, tmp_path / "code", "s3://bucket/sourcedir.tar.gz")
        assert (tmp_path / "code/tmp/out.txt").exists()
        return
    with pytest.raises(BadCode, match=r"s3://bucket/sourcedir.tar.gz cannot be unpacked"):
        unpack(archive, tmp_path / "code", "s3://bucket/sourcedir.tar.gz")
    assert list((tmp_path / "code").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code", "sourcedir.tar.gz"]


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"not gzip")
    with pytest.raises(BadCode, match="bundle cannot be unpacked"):
        unpack(tmp_path / "x", tmp_path, "bundle")
