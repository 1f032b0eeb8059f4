"""Script mode of training: the user's script with hyperparameters as arguments and SM_* variables."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from typing import TYPE_CHECKING

from include.local_aws.containers.toolkit import code, paths
from include.local_aws.containers.toolkit.environment import load

if TYPE_CHECKING:
    from pathlib import Path

    from include.local_aws.containers.toolkit.environment import TrainingEnvironment

LAST_LINES = 30  # of the script's output, for the failure file


def train(framework: str) -> int:
    """Run the script of the hyperparameter `sagemaker_program`.

    :param framework: value of SM_FRAMEWORK_MODULE.
    :return: the script's exit code; 1 when it cannot be run, with the reason in the failure file.
    """
    environment = load()
    try:
        folder = _code_folder(environment)
        program = str(environment.settings.get("sagemaker_program", ""))
        if not program or not (folder / program).is_file():
            raise code.BadCode(f"the script {program!r} (sagemaker_program) is not in the code folder")
        code.check_requirements(folder)
    except code.BadCode as error:
        paths.write_failure(f"ClientError: {error}")
        return 1
    return _run(environment, folder, program, framework)


def _code_folder(environment: TrainingEnvironment) -> Path:
    """The folder with the code: the submit directory, else the channel `code`, else /opt/ml/code."""
    if source := environment.settings.get("sagemaker_submit_directory"):
        return code.fetch(str(source), paths.CODE)
    return paths.DATA / "code" if "code" in environment.channels else paths.CODE


def _run(environment: TrainingEnvironment, folder: Path, program: str, framework: str) -> int:
    command = [sys.executable, program, *environment.user_arguments]
    for output in (paths.MODEL, paths.OUTPUT / "data", paths.OUTPUT / "intermediate"):
        output.mkdir(parents=True, exist_ok=True)
    variables = {**os.environ, **environment.variables(framework), "PYTHONPATH": str(folder)}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())  # StopTrainingJob reaches the script
    last: deque[str] = deque(maxlen=LAST_LINES)
    for line in process.stdout or ():
        print(line, end="", flush=True)
        last.append(line)
    status = process.wait()
    if status:
        words = " ".join(command[1:])
        message = "".join(last).strip()[-700:]
        paths.write_failure(
            f'ExecuteUserScriptError:\nExitCode {status}\nErrorMessage "{message}"\nCommand "python {words}"'
        )
    return 128 - status if status < 0 else status
