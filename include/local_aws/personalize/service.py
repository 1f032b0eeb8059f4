"""Amazon Personalize: its operations on one backend."""

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
    """The three services of Personalize; the app dispatches to `handlers`.

    :param at_once: trainings, imports and batch jobs that run at the same time.
    """

    def __init__(self, state: State, objects: ObjectStore, at_once: int) -> None:
        self._backend = backend = Backend(state, objects, at_once)
        serving = Serving(backend)
        self._campaigns, self._recommenders = Campaigns(backend, serving), Recommenders(backend, serving)
        operations = [
            Datasets(backend),
            EventTrackers(backend),
            Solutions(backend),
            self._campaigns,
            self._recommenders,
        ]
        operations += [
            Filters(backend),
            BatchJobs(backend, serving),
            MetricAttributions(backend),
            Tags(backend),
        ]
        self.handlers: dict[str, list[object]] = {
            "personalize": [*operations, *(resources.handler() for resources in backend.kinds())],
            "personalize-runtime": [Runtime(backend, serving)],
            "personalize-events": [Events(backend)],
        }

    def tagged(self) -> Iterator[tuple[str, dict[str, str]]]:
        """The ARNs of all resources with their tags, which may be empty."""
        return (
            (arn, {tag["tagKey"]: tag["tagValue"] for tag in document["tags"]})
            for arn, document in self._backend.engine.tags.items()
        )

    def start(self) -> None:
        """Correct the states of resources that the previous server left unfinished."""
        for resources in self._backend.kinds():
            resources.recover()
        self._campaigns.recover()
        self._recommenders.recover()

    def close(self) -> None:
        """Stop all work."""
        self._backend.engine.close()
