"""What tasks leave for each other in XCom, by the task itself instead of its spelt id.

A renamed task, or one that moves into a group, takes its readers along.
"""

from __future__ import annotations

from typing import Any, TypedDict, cast

from airflow.sdk import BaseOperator, XComArg

Task = BaseOperator | XComArg  # made by a class, or by `@task`
# An XComArg that goes to another task, which will get what the first one returned: Airflow's types know only
# the latter.
Handle = Any
RETURN_VALUE = "return_value"


class Reference(TypedDict):
    """Where a task of the same run leaves something; plain JSON, so that another task can take it."""

    task_ids: str
    key: str


def operator_of(task: Task) -> BaseOperator:
    """The operator behind the handle of a task, whether it was made by a class or by `@task`."""
    operator: Any = getattr(task, "operator", task)  # an XComArg has an operator, an operator is one
    return cast("BaseOperator", operator)


def xcom(task: Task, *path: str, key: str = RETURN_VALUE) -> str:
    """A template: what a task left, or a part of it.

    >>> xcom(train, "Training", "TrainingJobName")
    "{{ ti.xcom_pull('train', key='return_value')['Training']['TrainingJobName'] }}"

    In a mapped task group it reads what the task of the same map index left.

    :param path: keys from the outside in.
    :param key: under which the task pushed it.
    """
    operator = operator_of(task)
    mapped = ", map_indexes=ti.map_index" if operator.get_closest_mapped_task_group() else ""
    parts = "".join(f"[{part!r}]" for part in path)
    return f"{{{{ ti.xcom_pull('{operator.task_id}', key={key!r}{mapped}){parts} }}}}"


def reference(task: Task, key: str = RETURN_VALUE) -> Reference:
    """Where a task leaves something, for a task that has to cope with its absence (`pull`)."""
    return {"task_ids": operator_of(task).task_id, "key": key}


def pull(ti: Any, source: Reference) -> Any:
    """What the task of a reference left, of the same map index; None where it left nothing."""
    return ti.xcom_pull(**source, map_indexes=ti.map_index)
