"""Processing job: compare a window of traffic with the baseline, and say whether it has drifted.

Inputs, below `--input`: `baseline/` (what `baseline.py` wrote), `capture/` (a tree of data capture files, or
of a batch transform's input `*.csv` without header and its answers `*.out`) and, where it is known,
`ground_truth/`. Files may be compressed by gzip.

Outputs, below `--output`: `drift.json`, `report.html`, `statistics.json` of the window, and
`constraint_violations.json` where a constraint of the baseline is violated (Model Monitor's formats).

| what is found | what happens |
|---|---|
| fewer rows than `--minimum-rows`, and fewer answers | verdict "not enough data", exit code 0, all outputs |
| enough rows or answers, but not both | judged by these; the reason names what is not measured |
| a line that is cut, no JSON, no capture record | left out and counted; drift.json names the first twenty |
| more lines, or rows, left out than used | verdict "unreadable" |
| rows with too many or too few columns | left out and counted; extra_column_check or missing_column_check |
| text where numbers belong | counted as missing; data_type_check |
| ground truth for some of the records | quality of those, with their share as coverage |
| no baseline, or one that cannot be read | exit code 1 with the reason, nothing is written |
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.capture import label_scores, read_capture
from data.ground_truth import Judged
from drift import model_monitor, model_quality
from drift.baseline import Reference
from drift.columns import DRIFT, Thresholds
from drift.verdict import (
    NOT_ENOUGH,
    UNREADABLE,
    Predictions,
    Rules,
    Verdict,
    decide,
    judge,
    judge_predictions,
    parse_overrides,
)
from drift.violations import check
from drift.window import Choice, Labels, Window, add_window_arguments
from job import FOLDER, DataError, arguments, run, staged
from reports.drift import DriftReport
from tabular import Schema, add_table_arguments

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

VERSION = "1.0"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: monitor(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Compare a window of traffic with the baseline.")
    add_table_arguments(parser)
    add_window_arguments(parser)
    parser.add_argument(
        "--ignore-inference-prefix", default="", help="requests that the workflow itself sent; empty: none"
    )
    parser.add_argument("--column", action="append", default=[], metavar="NAME:drift=0.3", help="repeatable")
    parser.add_argument(
        "--drift-share", type=float, default=0.1, help="weight of drifted columns that makes the window drift"
    )
    parser.add_argument(
        "--rate-factor", type=float, default=1.5, help="relative change of the positive rate that is drift"
    )
    parser.add_argument("--title", default="Drift")
    parser.add_argument("--input", type=Path, default=FOLDER / "input")
    parser.add_argument("--output", type=Path, default=FOLDER / "output/report")
    return parser.parse_args(argv)


def monitor(options: argparse.Namespace) -> None:
    """Read, compare, write.

    :raises DataError: when baseline or settings cannot be used; nothing is written then.
    """
    schema = Schema.parse(options.columns, options.labels)
    reference = Reference.read(options.input / "baseline", schema)
    rules = read_rules(options, reference)
    window = read_window(options, schema, reference)
    quality = judge_quality(window, reference, rules)
    verdict = conclude(window, reference, rules, quality)
    violations = check(reference.constraints, reference.columns, window, _all(verdict))
    document = describe(options, window, reference, verdict, quality, violations)
    columns = {**window.inputs.columns, **window.predictions.columns}
    page = DriftReport(document, reference.columns, columns, violations).html()
    statistics = model_monitor.statistics(window.inputs.rows, window.inputs, window.predictions)
    write(options.output, {"drift": document, "statistics": statistics}, page, violations)
    for line in document["window"]["bad_lines"]:
        print(f"WARNING: {line['file']}, line {line['line']} is left out: {line['reason']}")
    print(f"{verdict.band}: {verdict.reason}")


def write(output: Path, documents: dict[str, Any], page: str, violations: list[dict[str, str]]) -> None:
    """Write all files; that of the violations only when there are any, as Model Monitor does."""
    violated = {"constraint_violations": {"violations": violations}} if violations else {}
    with staged(output) as folder:
        for name, content in {**documents, **violated}.items():
            (folder / f"{name}.json").write_text(json.dumps(content, indent=1, allow_nan=False))
        (folder / "report.html").write_text(page, encoding="utf-8")


def _all(verdict: Verdict) -> list[Any]:
    return [*verdict.columns, *([verdict.predictions.score] if verdict.predictions else [])]


def read_rules(options: argparse.Namespace, reference: Reference) -> Rules:
    """The thresholds: the arguments', those of the baseline's constraints, those of `--column`: last wins.

    :raises DataError: when a column is named that the baseline does not have.
    """
    common = Thresholds(options.watch, options.drift)
    columns = {**reference.overrides(common), **parse_overrides(options.column, common)}
    unknown = [name for name in columns if name not in reference.columns]
    if unknown:
        raise DataError(f"--column {unknown[0]!r} is no column of the baseline")
    if options.rate_factor <= 1:
        raise DataError(f"--rate-factor {options.rate_factor:g}: expected a number above 1")
    return Rules(options.minimum_rows, common, columns, options.drift_share, options.rate_factor)


def read_window(options: argparse.Namespace, schema: Schema, reference: Reference) -> Window:
    """Count the captured records of the window.

    :raises DataError: when `--start` or `--end` is not a time.
    """
    labels = Labels.read(options.input / "ground_truth", schema.labels)
    window = Window(
        schema,
        reference.inputs.empty(),
        reference.predictions.empty(),
        Choice.read(options.start, options.end, options.ignore_inference_prefix),
        Judged(labels.truths, schema.labels[1]),
        labels,
    )
    window.read(label_scores(read_capture(options.input / "capture"), schema.labels, reference.threshold))
    return window


def judge_quality(window: Window, reference: Reference, rules: Rules) -> dict[str, Any] | None:
    """`model_quality` of drift.json; None without ground truth."""
    judged = window.judged
    if not judged.rows:
        return None
    actual, predicted, scores = judged.arrays()
    metrics = model_quality.metrics_of(actual, predicted, scores)
    comparison = (reference.quality_constraints, metrics, reference.quality, actual)
    broken, band = model_quality.compare(*comparison)
    not_judged = model_quality.not_judged(*comparison)
    limits = reference.quality_constraints[model_quality.KEY]
    enough = len(actual) >= rules.minimum_rows and limits.keys() > not_judged.keys()
    return {
        "rows": len(actual),
        "coverage": len(actual) / max(window.predictions.rows, 1),
        "metrics": metrics,
        "constraints": limits,
        "violated": broken if enough else [],
        "not_judged": not_judged,
        "band": band if enough else NOT_ENOUGH,
    }


def conclude(window: Window, reference: Reference, rules: Rules, quality: dict[str, Any] | None) -> Verdict:
    """Compare, when there is something to compare."""
    positive = window.schema.labels[1]
    enough = window.inputs.rows >= rules.minimum_rows
    judged = judge(reference.inputs, window.inputs, reference.weights, rules) if enough else ([], 0.0)
    predictions = judge_predictions(reference.predictions, window.predictions, positive, rules)
    band = quality["band"] if quality and quality["band"] != NOT_ENOUGH else None
    omissions = not_measured(window, predictions, quality, rules)
    verdict = decide(window.inputs.rows, judged, predictions, band, rules, omissions)
    if reason := window.unreadable:
        return Verdict(UNREADABLE, f"{reason}.", 0.0, [], None)
    if (reason := window.labels.unreadable) and verdict.band != DRIFT:
        return replace(verdict, band=UNREADABLE, reason=f"{reason}; {verdict.reason}")
    return verdict


def not_measured(
    window: Window, predictions: Predictions | None, quality: dict[str, Any] | None, rules: Rules
) -> Iterator[str]:
    """What the verdict does not know, with the reason; that there is no ground truth at all is none."""
    least = rules.minimum_rows
    if window.inputs.rows < least:
        yield f"columns ({_too_few(window.inputs.rows, 'rows', least)})"
    if predictions is None:
        yield f"scores ({_too_few(window.predictions.columns['score'].rows, 'answers', least)})"
    elif predictions.rate is None:
        yield "the rate of positives (the answers have no labels)"
    if quality and quality["band"] == NOT_ENOUGH:
        few = f"truth known of {quality['rows']:,} answers, {least:,} are needed"
        yield f"quality ({few if quality['rows'] < least else 'none of its metrics can be judged'})"
    elif quality is None and window.labels.lines:
        yield "quality (no label belongs to an answer of the window)"


def _too_few(number: int, what: str, least: int) -> str:
    return f"{number:,} {what}, {least:,} are needed" if number else f"no captured {what} can be read"


def describe(
    options: argparse.Namespace,
    window: Window,
    reference: Reference,
    verdict: Verdict,
    quality: dict[str, Any] | None,
    violations: list[dict[str, str]],
) -> dict[str, Any]:
    """The content of `drift.json`."""
    return {
        "version": VERSION,
        "title": options.title,
        "window": {"start": options.start, "end": options.end, **window.to_json()},
        "baseline": {"rows": reference.inputs.rows},
        "verdict": verdict.band,
        "reason": verdict.reason,
        "share": verdict.share,
        "drift_share": options.drift_share,
        "columns": [column.to_json() for column in verdict.columns],
        "predictions": verdict.predictions.to_json() if verdict.predictions else None,
        "data_quality": {"violations": len(violations), "checks": _counts(violations)},
        "model_quality": quality,
    }


def _counts(violations: list[dict[str, str]]) -> dict[str, int]:
    """Violations by check."""
    checks = [violation["constraint_check_type"] for violation in violations]
    return {name: checks.count(name) for name in sorted(set(checks))}


if __name__ == "__main__":
    sys.exit(main())
