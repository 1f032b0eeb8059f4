"""What all resources of Personalize share while they are created and deleted: state, threads, tags."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.local_aws.state import Document, State

logger = logging.getLogger(__name__)

OBSERVABLE_SECONDS = 0.3  # each intermediate state lasts at least this long


@dataclass
class Running:
    """A resource whose creation is in progress.

    :param update: changes members of a document: (arn, **members).
    :param stopped: set when the work is to stop.
    """

    arn: str
    document: Document
    update: Callable[..., object]
    stopped: threading.Event = field(default_factory=threading.Event)

    def change(self, **members: object) -> None:
        """Change members of the stored document."""
        self.update(self.arn, **members)


class Engine:
    """State, threads and tags.

    :param at_once: trainings, imports and batch jobs that run at the same time.
    """

    def __init__(self, state: State, at_once: int) -> None:
        self.state = state
        self.folder = state.subfolder("personalize")
        self.tags = state.collection("personalize_tags")
        self.closing = threading.Event()
        self.running: dict[str, Running] = {}
        self.places = threading.BoundedSemaphore(at_once)  # for work; the threads below mostly wait
        self._threads = ThreadPoolExecutor(64, thread_name_prefix="personalize")

    def spawn(self, action: Callable[[], None]) -> None:
        """Run an action in the background."""
        self._threads.submit(self._logged, action)

    def pause(self) -> None:
        """Wait for a moment, so that clients can see the current state."""
        self.closing.wait(OBSERVABLE_SECONDS)

    def close(self) -> None:
        """Stop all work; the next server finds the interrupted resources as unfinished."""
        self.closing.set()
        for running in list(self.running.values()):
            running.stopped.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    @staticmethod
    def _logged(action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:
            logger.exception("a background step of Personalize failed")
