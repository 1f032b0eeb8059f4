"""Amazon Personalize, wired together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.local_aws.personalize.attribution import MetricAttributions, Tags
from include.local_aws.personalize.backend import Backend
from include.local_aws.personalize.batch import BatchJobs
from include.local_aws.personalize.campaigns import Campaigns, Recommenders
from include.local_aws.personalize.datasets import Datasets
from include.local_aws.personalize.events import Events, EventTrackers
from include.local_aws.personalize.filters import Filters
from include.local_aws.personalize.runtime import Runtime
from include.local_aws.personalize.serving import Serving
from include.local_aws.personalize.solutions import Solutions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.state import State


class Personalize:
    """The three services of Personalize; `handlers` is what the app dispatches to.

    :param at_once: trainings, imports and batch jobs that run at the same time.
    """

    def __init__(self, state: State, objects: ObjectStore, at_once: int) -> None:
        self._backend = backend = Backend(state, objects, at_once)
        serving = Serving(backend)
        self._campaigns, self._recommenders = Campaigns(backend, serving), Recommenders(backend, serving)
        own = [
            Datasets(backend),
            EventTrackers(backend),
            Solutions(backend),
            self._campaigns,
            self._recommenders,
        ]
        own += [Filters(backend), BatchJobs(backend, serving), MetricAttributions(backend), Tags(backend)]
        self.handlers: dict[str, list[object]] = {
            "personalize": [*own, *(resources.handler() for resources in backend.kinds())],
            "personalize-runtime": [Runtime(backend, serving)],
            "personalize-events": [Events(backend)],
        }

    def tagged(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Every ARN with its tags, tagged or not."""
        return (
            (arn, {tag["tagKey"]: tag["tagValue"] for tag in document["tags"]})
            for arn, document in self._backend.engine.tags.items()
        )

    def start(self) -> None:
        """Bring what an earlier server left into a state that is true."""
        for resources in self._backend.kinds():
            resources.recover()
        self._campaigns.recover()
        self._recommenders.recover()

    def close(self) -> None:
        """Stop all work."""
        self._backend.engine.close()
