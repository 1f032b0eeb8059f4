"""What tells one kind of job from another: AWS's names and texts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.local_aws.state import Document

ENDED = ("Completed", "Failed", "Stopped")


def no_detail(document: Document, detail: str, message: str) -> None:
    """Most kinds of job have no secondary status."""


@dataclass(frozen=True)
class JobKind:
    """A kind of job in the words of the API: "Training" gives TrainingJobName, TrainingEndTime and so on."""

    word: str  # Training
    noun: str  # training job
    name_in_use: str  # AWS's text of Create for a name that exists, with {arn}
    not_described: str  # AWS's text of Describe for a job that does not exist, with {name}
    not_stopped: str  # AWS's text of Stop for a job that does not exist, with {name}
    order: str = "Descending"  # of List, if the request does not say
    on_status: Callable[[Document, str, str], None] = no_detail  # (document, secondary status, message)
    runs_jobs: bool = False  # it runs other jobs and no container, so it needs no slot

    @property
    def name(self) -> str:
        return f"{self.word}JobName"

    @property
    def arn(self) -> str:
        return f"{self.word}JobArn"

    @property
    def status(self) -> str:
        return f"{self.word}JobStatus"

    @property
    def log_group(self) -> str:
        return f"/aws/sagemaker/{self.word}Jobs"

    @property
    def collection(self) -> str:
        return self.noun.replace(" ", "_")

    @property
    def resource(self) -> str:
        return self.noun.replace(" ", "-")

    def enter(self, document: Document, status: str, detail: str, message: str) -> None:
        """Change a document's status; `detail` is the secondary status where the kind has one."""
        now = time.time()
        document.update({self.status: status, "LastModifiedTime": now})
        if status in ENDED:
            document[f"{self.word}EndTime"] = now
        self.on_status(document, detail, message)
