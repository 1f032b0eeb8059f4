"""The training environment: the files of /opt/ml/input/config, and the SM_* variables made of them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.local_aws.containers.toolkit import paths

if TYPE_CHECKING:
    from pathlib import Path

NETWORK_INTERFACE = "eth0"


def decode(text: str) -> Any:
    """The value of a hyperparameter's text: decoded where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass(frozen=True)
class TrainingEnvironment:
    """One container's view of its training job.

    :param hyperparameters: decoded, without SageMaker's own (`sagemaker_*`).
    :param settings: SageMaker's own hyperparameters, decoded (`sagemaker_program` ...).
    :param channels: channel name → its configuration.
    :param resources: `current_host`, `hosts` ...
    """

    hyperparameters: dict[str, Any]
    settings: dict[str, Any]
    channels: dict[str, dict[str, Any]]
    resources: dict[str, Any]

    @property
    def user_arguments(self) -> list[str]:
        """`--eta 0.2 --max_depth 5`: the hyperparameters as a script's arguments, sorted by name."""
        words = []
        for name, value in sorted(self.hyperparameters.items()):
            flag = f"--{name}" if len(name) > 1 else f"-{name}"
            words += [flag, value if isinstance(value, str) else _text(value)]
        return words

    def variables(self, framework: str) -> dict[str, str]:
        """The SM_* variables of the contract."""
        program = str(self.settings.get("sagemaker_program", ""))
        host, hosts = self.resources["current_host"], self.resources["hosts"]
        instance = self.resources.get("current_instance_type", "local")
        group = self.resources.get("current_group_name", "homogeneousCluster")
        facts: dict[str, Any] = {
            "MODEL_DIR": str(paths.MODEL),
            "INPUT_DIR": str(paths.BASE / "input"),
            "INPUT_CONFIG_DIR": str(paths.CONFIG),
            "OUTPUT_DIR": str(paths.OUTPUT),
            "OUTPUT_DATA_DIR": str(paths.OUTPUT / "data"),
            "OUTPUT_INTERMEDIATE_DIR": str(paths.OUTPUT / "intermediate"),
            "CHANNELS": sorted(self.channels),
            "HPS": self.hyperparameters,
            "USER_ARGS": self.user_arguments,
            "USER_ENTRY_POINT": program,
            "MODULE_NAME": program.removesuffix(".py"),
            "MODULE_DIR": str(self.settings.get("sagemaker_submit_directory", paths.CODE)),
            "HOSTS": hosts,
            "CURRENT_HOST": host,
            "CURRENT_INSTANCE_TYPE": instance,
            "CURRENT_INSTANCE_GROUP": group,
            "CURRENT_INSTANCE_GROUP_HOSTS": hosts,
            "INSTANCE_GROUPS": [group],
            "INSTANCE_GROUPS_DICT": {group: {"instance_group_name": group, "hosts": hosts}},
            "IS_HETERO": False,
            "NETWORK_INTERFACE_NAME": self.resources.get("network_interface_name", NETWORK_INTERFACE),
            "INPUT_DATA_CONFIG": self.channels,
            "RESOURCE_CONFIG": self.resources,
            "NUM_CPUS": os.cpu_count() or 1,
            "NUM_GPUS": 0,
            "NUM_NEURONS": 0,
            "LOG_LEVEL": self.settings.get("sagemaker_container_log_level", 20),
            "FRAMEWORK_MODULE": framework,
            "FRAMEWORK_PARAMS": self.settings,
        }
        facts |= {f"CHANNEL_{name.upper()}": str(paths.DATA / name) for name in self.channels}
        facts |= {f"HP_{name.upper()}": value for name, value in self.hyperparameters.items()}
        facts["TRAINING_ENV"] = {name.lower(): value for name, value in facts.items()}
        return {f"SM_{name}": _text(value) for name, value in facts.items()}


def _text(value: Any) -> str:
    """A value as the text of a variable: JSON unless it is a string."""
    return value if isinstance(value, str) else json.dumps(value)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content


def load() -> TrainingEnvironment:
    """The environment in /opt/ml/input/config.

    :raises ValueError: when a file is not JSON.
    """
    decoded = {name: decode(text) for name, text in _read(paths.CONFIG / "hyperparameters.json").items()}
    settings = {name: value for name, value in decoded.items() if name.startswith("sagemaker_")}
    return TrainingEnvironment(
        hyperparameters={name: value for name, value in decoded.items() if name not in settings},
        settings=settings,
        channels=_read(paths.CONFIG / "inputdataconfig.json"),
        resources={
            "current_host": "algo-1",
            "hosts": ["algo-1"],
            **_read(paths.CONFIG / "resourceconfig.json"),
        },
    )
