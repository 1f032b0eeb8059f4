"""What served before a retraining changed anything: the champion to beat, and the way back.

It is remembered in S3 when it is first seen. A task that is cleared later, when the challenger already
serves, would else take its own work for what to go back to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aws_ml.names import is_key_of
from include.workflows.common.s3_documents import read_json, write_json
from include.workflows.retraining.handover import training_run

if TYPE_CHECKING:
    from typing import Any

Serving = TypeVar("Serving")


def before(folder: str, what: str, serving: Serving, *, own: bool) -> Serving:
    """What served before this retraining changed anything.

    :param folder: S3 URI of what the retraining leaves.
    :param what: the name under which it is remembered.
    :param serving: what serves now, as JSON has it.
    :param own: whether that is this retraining's own work; else it is what served before, and remembered.
    :raises ClientError: when nothing is remembered of a retraining whose own work serves.
    """
    uri = f"{folder}/before/{what}.json"
    if own:
        remembered: Serving = read_json(uri)
        return remembered
    write_json(uri, serving)
    return serving


def is_own_run(run: str, context: Any) -> bool:
    """Whether a training run is the one that this retraining has started.

    :param run: S3 URI of the training run.
    """
    return is_key_of(run.rpartition("/")[2], training_run(context))
