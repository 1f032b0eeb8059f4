"""Clients of an Airflow connection: every call to AWS of this package uses one of them."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

CLIENT_SECONDS = 900  # then a new one is made: the connection's credentials may have been replaced
# botocore retries a call that AWS throttles before it counts as failed.
RETRIES = {"mode": "standard", "total_max_attempts": 10}


class AwsTask(Protocol):
    """The connection's parameters of an operator or sensor of the amazon provider."""

    @property
    def aws_conn_id(self) -> str | None: ...

    @property
    def region_name(self) -> str | None: ...

    @property
    def verify(self) -> bool | str | None: ...

    @property
    def botocore_config(self) -> dict[str, Any] | None: ...


@dataclass(frozen=True)
class Aws:
    """A connection, its region and how its clients behave. Equal settings share clients.

    Aws().client("sagemaker").list_models()
    """

    aws_conn_id: str | None = "aws_default"
    region_name: str | None = None
    verify: bool | str | None = None
    botocore_config: dict[str, Any] | None = field(default=None, hash=False)

    @classmethod
    def of(cls, task: AwsTask) -> Aws:
        """The connection of an operator or sensor of the amazon provider."""
        return cls(task.aws_conn_id, task.region_name, task.verify, task.botocore_config)

    def serialize(self) -> dict[str, Any]:
        """The members as plain values, for a trigger."""
        return asdict(self)

    def client(self, service: str) -> Any:
        """The boto3 client of a service; this process shares it for `CLIENT_SECONDS`."""
        key = (repr(self), service)
        with _LOCK:
            made_at, client = _CLIENTS.get(key, (0.0, None))
            if time.monotonic() - made_at > CLIENT_SECONDS or client is None:
                client = self._make(service)
                _CLIENTS[key] = time.monotonic(), client
            return client

    def _make(self, service: str) -> Any:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
        from botocore.config import Config

        hook = AwsBaseHook(
            aws_conn_id=self.aws_conn_id,
            client_type=service,
            region_name=self.region_name,
            verify=self.verify,
            config=Config(**{"retries": RETRIES, "max_pool_connections": 20, **(self.botocore_config or {})}),
        )
        return hook.get_conn()


_CLIENTS: dict[tuple[str, str], tuple[float, Any]] = {}
_LOCK = threading.RLock()


def forget_clients() -> None:
    """Make new clients from now on, for tests that change the endpoint."""
    with _LOCK:
        _CLIENTS.clear()
