"""A trained churn model with its baseline, and traffic to it as an endpoint captures it."""

from __future__ import annotations

import base64
import io
import json
import shutil
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import xgboost

import baseline
import monitor
from include.use_cases.churn.use_case import CHURN
from tabular import Schema, typed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

COLUMNS = [f"{kind}:{name}" for name, kind in CHURN.columns.items()]
SCHEMA = Schema.parse(COLUMNS, CHURN.labels)
ARGUMENTS = ["--columns", *COLUMNS, "--labels", *CHURN.labels]
NOON = "2026-03-01T12:00:00Z"


class Model:
    """The built-in XGBoost behind the fitted transformer, as the endpoint has them."""

    def __init__(self, folder: Path) -> None:
        with tarfile.open(folder / "model/model.tar.gz") as tar:
            file = tar.extractfile("transformer.joblib")
            assert file is not None
            self.transformer = joblib.load(io.BytesIO(file.read()))
        self.booster = self._train(folder)

    @staticmethod
    def _train(folder: Path) -> xgboost.Booster:
        table = np.loadtxt(folder / "train/train.csv", delimiter=",")
        settings = {name: value for name, value in CHURN.hyperparameters.items() if name != "num_round"}
        rounds = int(CHURN.hyperparameters["num_round"])
        return xgboost.train(settings, xgboost.DMatrix(table[:, 1:], table[:, 0]), rounds)

    def scores(self, rows: pd.DataFrame) -> np.ndarray:
        features = self.transformer.transform(typed(rows, SCHEMA))
        return np.asarray(self.booster.predict(xgboost.DMatrix(features)))

    def answers(self, rows: pd.DataFrame) -> list[str]:
        return [f"{CHURN.labels[int(score > 0.5)]},{score}" for score in self.scores(rows)]

    def write(self, archive: Path) -> None:
        archive.parent.mkdir(parents=True)
        content = bytes(self.booster.save_raw("ubj"))
        with tarfile.open(archive, "w:gz") as tar:
            member = tarfile.TarInfo("xgboost-model")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def lay_out(prepared: Path, model: Model, target: Path) -> None:
    """The baseline job's inputs, from a folder of the preprocessing job and a model."""
    rows = pd.read_csv(prepared / "labelled/test.csv", dtype=str, keep_default_na=False)
    scores = model.scores(rows)
    answers = np.array(CHURN.labels, dtype=object)[(scores > 0.5).astype(int)]
    (target / "predictions").mkdir(parents=True)
    rows.assign(predicted=answers, score=scores).to_csv(target / "predictions/predictions.csv", index=False)
    (target / "predictions/evaluation.json").write_text(json.dumps({"threshold": CHURN.threshold}))
    model.write(target / "model/model.tar.gz")
    shutil.copytree(prepared / "training_rows", target / "data")
    shutil.copytree(prepared / "validation", target / "features")
    shutil.copytree(prepared / "summary", target / "summary")


def run_baseline(inputs: Path, output: Path, *arguments: str) -> int:
    places = ["--input", str(inputs), "--output", str(output), "--message", str(output.parent / "message")]
    return baseline.main([*ARGUMENTS, *places, *arguments])


def record(
    rows: Iterable[str], answers: Iterable[str], event: str = "e", time: str = NOON, inference: str = ""
) -> dict[str, Any]:
    """A capture record of CSV rows and answers."""
    source = {"observedContentType": "text/csv", "mode": "INPUT", "data": "\n".join(rows), "encoding": "CSV"}
    reply = {
        "observedContentType": "text/csv",
        "mode": "OUTPUT",
        "data": "\n".join(answers),
        "encoding": "CSV",
    }
    metadata = {"eventId": event, "inferenceTime": time} | ({"inferenceId": inference} if inference else {})
    data = {"endpointInput": source, "endpointOutput": reply}
    return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


def as_base64(side: dict[str, str], charset: str = "utf-8") -> None:
    """Turn a side of a record into what an endpoint captures for content types that it does not list."""
    side["data"] = base64.b64encode(side["data"].encode(charset)).decode()
    side["encoding"] = "BASE64"
    side["observedContentType"] += f"; charset={charset}"


@dataclass
class Monitored:
    """A monitor's input and output folders."""

    folder: Path
    model: Model
    rows: pd.DataFrame  # training and test rows with their label, as text

    def sample(self, number: int, seed: int = 0) -> pd.DataFrame:
        """Inputs drawn with replacement."""
        rows = self.rows.sample(number, replace=True, random_state=seed)
        return rows[SCHEMA.inputs].reset_index(drop=True)

    def capture(self, lines: Iterable[dict[str, Any] | str], name: str = "2026/03/01/12/a.jsonl") -> Path:
        path = self.folder / "input/capture/churn/AllTraffic" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("".join(f"{text}\n" for text in texts))
        return path

    def records(self, rows: pd.DataFrame, size: int = 50) -> list[dict[str, Any]]:
        """Capture records of a few rows each, answered by the model; event ids are e0, e1, ..."""
        lines, answers = csv_lines(rows), self.model.answers(rows)
        starts = range(0, len(lines), size)
        return [record(lines[n : n + size], answers[n : n + size], f"e{n // size}") for n in starts]

    def set_threshold(self, threshold: float | None) -> None:
        """Change the threshold that the baseline knows."""
        path = self.folder / "input/baseline/profile.json"
        content = json.loads(path.read_text())
        content["predictions"]["threshold"] = threshold
        path.write_text(json.dumps(content))

    def run(self, *arguments: str) -> int:
        places = ["--input", str(self.folder / "input"), "--output", str(self.folder / "report")]
        return monitor.main([*ARGUMENTS, *places, "--message", str(self.folder / "message"), *arguments])

    def read(self, name: str = "drift.json") -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "report" / name).read_text())
        return content

    def violations(self) -> list[tuple[str, str]]:
        """(column, check) of each, empty without the file."""
        if not (self.folder / "report/constraint_violations.json").exists():
            return []
        violations = self.read("constraint_violations.json")["violations"]
        return [(entry["feature_name"], entry["constraint_check_type"]) for entry in violations]


def csv_lines(rows: pd.DataFrame) -> list[str]:
    return str(rows.to_csv(index=False, header=False)).splitlines()


def shifted(rows: pd.DataFrame, column: str, deviations: float) -> pd.DataFrame:
    values = rows[column].astype(float)
    return rows.assign(**{column: (values + deviations * values.std()).map(str)})


def column(document: dict[str, Any], name: str) -> dict[str, Any]:
    (match,) = (entry for entry in document["columns"] if entry["name"] == name)
    return dict(match)
