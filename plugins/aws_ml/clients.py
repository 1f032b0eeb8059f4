"""Clients of one Airflow connection."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

CLIENT_SECONDS = 900  # then another is made: the connection's credentials may have been replaced
# Tried by botocore before a call counts as failed: throttling never reaches a task at once.
RETRIES = {"mode": "standard", "total_max_attempts": 10}


@dataclass(frozen=True)
class Aws:
    """Whom to call: connection, region and what shapes the client. Equal settings share clients."""

    aws_conn_id: str | None = "aws_default"
    region_name: str | None = None
    verify: bool | str | None = None
    botocore_config: dict[str, Any] | None = field(default=None, hash=False)

    @classmethod
    def of(cls, task: Any) -> Aws:
        """The connection of an operator or sensor of the amazon provider."""
        return cls(task.aws_conn_id, task.region_name, task.verify, task.botocore_config)

    def serialize(self) -> dict[str, Any]:
        """Plain values, for a trigger."""
        return asdict(self)

    def client(self, service: str) -> Any:
        """The boto3 client of a service, shared by all of this process for a while."""
        key = (repr(self), service)
        with _LOCK:
            made, client = _CLIENTS.get(key, (0.0, None))
            if time.monotonic() - made > CLIENT_SECONDS or client is None:
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
