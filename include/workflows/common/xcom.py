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


def pull_answer(context: Any, source: Reference, states: tuple[str, ...] = ("success",)) -> Any:
    """What a task left in this try of the run; None where it was not reached, or ended otherwise.

    Airflow removes what a task left when the task starts again. One that is not reached after a clear still
    has what it left before.

    :param states: in which the task has answered.
    """
    ti, run = context["ti"], context["dag_run"]
    by_run = ti.get_task_states(
        dag_id=run.dag_id, map_index=ti.map_index, task_ids=[source["task_ids"]], run_ids=[run.run_id]
    )
    state = by_run.get(run.run_id, {}).get(_state_key(source, ti.map_index))
    return pull(ti, source) if state in states else None


def _state_key(source: Reference, map_index: int | None) -> str:
    """How Airflow names a task among the states: a mapped one by its index, too."""
    return source["task_ids"] if map_index is None or map_index < 0 else f"{source['task_ids']}_{map_index}"


def pull(ti: Any, source: Reference) -> Any:
    """What the task of a reference left, of the same map index; None where it left nothing."""
    return ti.xcom_pull(**source, map_indexes=ti.map_index)
