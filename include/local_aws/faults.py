"""Injected faults, to test that callers handle them. Off by default.

LOCAL_AWS_FAULTS or --faults apply to all requests, the header `x-local-aws-faults` to one:

    throttle=0.3             a share of the requests is throttled
    error=0.1                ... answered with status 500
    reset=0.05               ... answered by closing the connection
    slow=0.2:1.5             ... answered 1.5 seconds late
    stop=train-.*            jobs with such a name are stopped a second after their start
    rollback=churn.*         updates of endpoints with such a name are rolled back
    seed=7                   the same faults in every run
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

from include.local_aws.protocol.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "x-local-aws-faults"
Fault = Literal["throttle", "error", "reset"]


class BadFaults(ValueError):
    """A description of faults that cannot be read."""


@dataclass(frozen=True)
class Faults:
    """Which faults to inject. Shares are of all requests, from 0 to 1; patterns match whole names.

    Faults.parse("throttle=0.3,slow=0.2:1.5").draw()
    """

    throttle: float = 0.0
    error: float = 0.0
    reset: float = 0.0
    slow: tuple[float, float] = (0.0, 0.0)  # share, seconds
    stop: str = ""
    rollback: str = ""
    seed: int | None = None
    _dice: random.Random = field(default_factory=random.Random, compare=False, repr=False)  # noqa: S311

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Read `name=value,...`.

        :raises BadFaults: naming the part that cannot be read.
        """
        names = {entry.name for entry in fields(cls)} - {"_dice"}
        values: dict[str, object] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = part.partition("=")
            if name not in names:
                raise BadFaults(f"{part!r}: expected one of {', '.join(sorted(names))}, as name=value")
            try:
                values[name] = _read(name, value)
            except (ValueError, re.error) as error:
                raise BadFaults(f"{part!r}: {error}") from error
        return cls(**values, _dice=random.Random(values.get("seed")))  # type: ignore[arg-type]  # noqa: S311

    def draw(self) -> tuple[float, Fault | None]:
        """The fault of one request: its delay in seconds, and what goes wrong."""
        late = self.slow[1] if self._dice.random() < self.slow[0] else 0.0
        number = self._dice.random()
        shares: Mapping[Fault, float] = {"throttle": self.throttle, "error": self.error, "reset": self.reset}
        for fault, share in shares.items():
            if number < share:
                return late, fault
            number -= share
        return late, None

    def stops(self, job: str) -> bool:
        """Whether to stop a job."""
        return bool(self.stop and re.fullmatch(self.stop, job))

    def rolls_back(self, endpoint: str) -> bool:
        """Whether to roll back an update of an endpoint."""
        return bool(self.rollback and re.fullmatch(self.rollback, endpoint))


def _read(name: str, value: str) -> object:
    if name in ("stop", "rollback"):
        return re.compile(value).pattern
    if name == "seed":
        return int(value)
    if name == "slow":
        share, _, seconds = value.partition(":")
        return float(share), float(seconds)
    return float(value)


def as_error(service: str, fault: Fault) -> AwsError:
    """The error of a throttled or failing service."""
    if fault == "throttle":
        code, status = ("SlowDown", 503) if service == "s3" else ("ThrottlingException", 400)
        return AwsError(code, "Rate exceeded", status=status)
    return AwsError("InternalFailure", "An injected fault (see LOCAL_AWS_FAULTS).", status=500)
