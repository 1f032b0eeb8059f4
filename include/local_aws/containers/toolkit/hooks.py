"""The hooks of the user's serving script, with the framework's defaults."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from include.local_aws.containers.toolkit import code, paths

if TYPE_CHECKING:
    from types import ModuleType

HOOKS = ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn", "execution_parameters_fn")


def load_script() -> ModuleType | None:
    """Import the script SAGEMAKER_PROGRAM; None where the variable is not set.

    :raises BadCode: when the script does not exist, needs a missing package, or mixes exclusive hooks.
    """
    program = os.environ.get("SAGEMAKER_PROGRAM", "")
    if not program:
        return None
    source = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or str(paths.MODEL / "code")
    folder = code.fetch(source, paths.CODE)
    if not (folder / program).is_file():
        raise code.BadCode(f"the script {program!r} (SAGEMAKER_PROGRAM) is not in {source}")
    code.check_requirements(folder)
    sys.path.insert(0, str(folder))
    script = import_module(program.removesuffix(".py").replace("/", "."))
    parts = [name for name in ("input_fn", "predict_fn", "output_fn") if hasattr(script, name)]
    if hasattr(script, "transform_fn") and parts:
        raise code.BadCode(f"{program} defines transform_fn and {', '.join(parts)}: use one or the other")
    return script


def complete(script: ModuleType | None, defaults: Any) -> SimpleNamespace:
    """All hooks: the script's own, else the framework's default, else None."""
    hooks = {name: getattr(script, name, None) or getattr(defaults, name, None) for name in HOOKS}
    return SimpleNamespace(**hooks)
