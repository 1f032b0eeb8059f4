"""The operations that the server has: `python -m include.local_aws.tools.operations` prints the table."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from botocore import xform_name

from include.local_aws.app import SCOPES
from include.local_aws.protocol.models import service_model
from include.local_aws.services import Services
from include.local_aws.settings import Settings
from include.local_aws.state import State


def operations_by_service() -> dict[str, list[str]]:
    """Operation names by service, as botocore writes both."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(state=Path(folder))
        with contextlib.closing(State(settings.state)) as state:
            services = Services(settings, state)
            handlers = {name: services.handlers(name) for names in SCOPES.values() for name in names}
            services.close()
    return {
        service: [
            name
            for name in service_model(service).operation_names
            if any(hasattr(handler, xform_name(name)) for handler in service_handlers)
        ]
        for service, service_handlers in handlers.items()
        if service_handlers
    }


def table() -> str:
    """The table of docs/local-aws.md."""
    rows = [f"| `{service}` | {', '.join(names)} |" for service, names in operations_by_service().items()]
    return "\n".join(["| service | operations |", "|---|---|", *rows])


if __name__ == "__main__":
    print(table())
