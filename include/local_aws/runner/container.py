"""The definition of a container: command, folder, environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Container:
    """A process that sees `root` as /opt/ml.

    Container(("python3", "/opt/ml/processing/input/code/job.py"), root=tmp_path)

    :param network: False means no network, as EnableNetworkIsolation on AWS.
    """

    command: tuple[str, ...]
    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    network: bool = True
