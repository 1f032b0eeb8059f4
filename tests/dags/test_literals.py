"""Constants of a use case may hold what Jinja takes for a template: Airflow must never render it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import jinja2
import pytest

from include.use_cases.churn.use_case import CHURN
from include.workflows.classification.steps import Classifier
from include.workflows.common.literals import literal

if TYPE_CHECKING:
    from include.use_cases.definition import Kind

HOSTILE = ["{{ var.value.ml_role_arn }}", "50%{% x", "{# gone #}", "{{{{", "a {{ '}}' }} b", "{", "}}"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_rendered_literal_is_the_text_itself(text: str) -> None:
    assert jinja2.Template(literal(text)).render() == text
    assert literal({"key": [text, 1, None]})["key"][1:] == [1, None]


def test_a_column_of_a_users_file_cannot_read_a_variable() -> None:
    columns: dict[str, Kind] = {**CHURN.columns, **dict.fromkeys(HOSTILE, "number")}
    case = replace(CHURN, columns=columns, title="{{ 7 * 7 }}", classes=("{% a", "b"))
    with (steps := Classifier(case)).dag(doc_md=""):
        steps.stage_data(), steps.upload_code()
        jobs = [steps.preprocess(), steps.train(), (steps.create_model(), None)]
        jobs += [steps.batch_transform(), steps.evaluate(), steps.baseline()]
    environment = jinja2.Environment(undefined=jinja2.ChainableUndefined)  # noqa: S701 — no HTML is rendered
    task_instance = SimpleNamespace(xcom_pull=lambda *_, **__: defaultdict(str))
    rendered: list[str] = []
    for start, _ in jobs:
        config: dict[str, Any] = getattr(start, "config", {})
        arguments = config.get("AppSpecification", {}).get("ContainerArguments", [])
        rendered += [environment.from_string(text).render(ti=task_instance) for text in arguments]
    assert {f"number:{text}" for text in HOSTILE} <= set(rendered)
    assert {"{{ 7 * 7 }}", "{% a"} <= set(rendered)
