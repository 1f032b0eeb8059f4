"""Processing job: check the raw data, split it, fit the feature transformer, write what the next steps read.

Outputs, below `--output`; they appear together, and only when all is well:

| file | content |
|---|---|
| `train/train.csv`, `validation/validation.csv` | features, label (0 or 1) first, no header |
| `test/batch_transform_test.csv` | raw rows without label and header, for the batch transform |
| `labelled/test.csv` | the same rows with label and header, for the evaluation |
| `training_rows/train.csv` | raw training rows with header: what traffic is compared with |
| `model/model.tar.gz` | the fitted transformer and its schema, for the serving containers |
| `summary/summary.json` | rows and positives of each part, names of the features |
"""

from __future__ import annotations

import gzip
import json
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from job import FOLDER, DataError, arguments, run, staged
from tabular import Schema, add_table_arguments, read_folder, typed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

CUTS = {"train": 0.7, "validation": 0.9, "test": 1.0}  # where each part ends, as a share of the shuffled rows
CHUNK_ROWS = 50_000  # features are written in chunks: dense, they are far larger than the raw data


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: preprocess(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Split raw data and fit the feature transformer.")
    add_table_arguments(parser)
    parser.add_argument("--seed", type=int, default=1729, help="of the shuffle before the split")
    parser.add_argument("--input", type=Path, default=FOLDER / "input/raw", help="folder of CSV files")
    parser.add_argument("--output", type=Path, default=FOLDER / "output")
    return parser.parse_args(argv)


def preprocess(options: argparse.Namespace) -> None:
    """Read, split, fit, write.

    :raises DataError: when the data cannot be used; nothing is written then.
    """
    schema = Schema.parse(options.columns, options.labels)
    parts = split(read_folder(options.input, schema), options.seed)
    check_parts(parts, schema)
    transformer = fit(parts["train"], schema)
    summary = summarise(parts, transformer, schema)
    with staged(options.output) as folder:
        write(folder, parts, transformer, schema, summary)
    print(f"{len(summary['features'])} features, rows {summary['rows']}, positives {summary['positives']}")


def split(frame: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Shuffle and cut into train, validation and test, exactly as the original did."""
    shuffled = frame.sample(frac=1, random_state=seed)
    ends = [int(share * len(shuffled)) for share in CUTS.values()]
    return {name: shuffled.iloc[start:end] for name, start, end in zip(CUTS, [0, *ends], ends, strict=False)}


def check_parts(parts: dict[str, pd.DataFrame], schema: Schema) -> None:
    """Check that each part holds both labels: else nothing could be learned or measured.

    :raises DataError: naming the part and the label.
    """
    total = sum(map(len, parts.values()))
    for name, part in parts.items():
        for label in schema.labels:
            if not (part[schema.label] == label).any():
                raise DataError(
                    f"the {name} part, {len(part)} of {total} rows, has none labelled {label!r}: "
                    "too few rows, or too rare a label"
                )


def fit(train: pd.DataFrame, schema: Schema) -> ColumnTransformer:
    """Fit on the training rows only: medians, means and deviations, categories."""
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    transformer = ColumnTransformer(
        [("number", numbers, schema.named("number")), ("category", categories, schema.named("category"))]
    )
    return transformer.fit(typed(train, schema))


def write(
    folder: Path,
    parts: dict[str, pd.DataFrame],
    transformer: ColumnTransformer,
    schema: Schema,
    summary: dict[str, Any],
) -> None:
    """Write all outputs; equal input gives equal bytes."""
    for name in ("train", "validation"):
        write_features(folder / name / f"{name}.csv", parts[name], transformer, schema)
    write_csv(folder / "test/batch_transform_test.csv", parts["test"][schema.inputs], header=False)
    write_csv(folder / "labelled/test.csv", parts["test"], header=True)
    write_csv(folder / "training_rows/train.csv", parts["train"], header=True)
    write_model(folder / "model/model.tar.gz", transformer, schema.to_json(features=summary["features"]))
    (folder / "summary").mkdir()
    (folder / "summary/summary.json").write_text(json.dumps(summary, indent=2))


def summarise(
    parts: dict[str, pd.DataFrame], transformer: ColumnTransformer, schema: Schema
) -> dict[str, Any]:
    """What the data holds: `rows` and `positives` of each part, `positive_label`, names of the `features`."""
    positive = schema.labels[1]
    return {
        "rows": {name: len(part) for name, part in parts.items()},
        "positives": {name: int((part[schema.label] == positive).sum()) for name, part in parts.items()},
        "positive_label": positive,
        "features": [str(name) for name in transformer.get_feature_names_out()],
    }


def write_csv(path: Path, frame: pd.DataFrame, *, header: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, header=header, lineterminator="\n")


def write_features(path: Path, frame: pd.DataFrame, transformer: ColumnTransformer, schema: Schema) -> None:
    """Write label and features of each row, as the built-in algorithms read them."""
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as file:
        for start in range(0, len(frame), CHUNK_ROWS):
            chunk = frame.iloc[start : start + CHUNK_ROWS]
            labels = (chunk[schema.label] == schema.labels[1]).to_numpy(dtype=float)
            table = np.column_stack([labels, transformer.transform(typed(chunk, schema))])
            pd.DataFrame(table).to_csv(file, index=False, header=False, lineterminator="\n")


def write_model(path: Path, transformer: ColumnTransformer, schema: str) -> None:
    """Pack `transformer.joblib` and `schema.json` without times and owners."""
    path.parent.mkdir()
    dumped, described = path.with_name("transformer.joblib"), path.with_name("schema.json")
    joblib.dump(transformer, dumped)
    described.write_text(schema)
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for file in (described, dumped):
            member = tarfile.TarInfo(file.name)
            member.size, member.mode = file.stat().st_size, 0o644
            with file.open("rb") as content:
                tar.addfile(member, content)
            file.unlink()


if __name__ == "__main__":
    sys.exit(main())
