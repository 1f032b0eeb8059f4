"""All files of a use case, or none: everything is checked and rendered before the first one is written."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.new_use_case.catalogue import add_classifier, check_constant
from scripts.new_use_case.errors import WrongInput
from scripts.new_use_case.rendering import data_file, render

if TYPE_CHECKING:
    from scripts.new_use_case.draft import Draft
    from scripts.new_use_case.options import Options

CATALOGUE = "include/use_cases/catalogue.py"
RESERVED = {  # folders of the bucket (docs/aws.md) that belong to no use case
    "monitoring": "s3://<bucket>/monitoring/ holds the job scripts that all use cases share",
    "mwaa": "s3://<bucket>/mwaa/ holds what Airflow runs on MWAA",
}


@dataclass(frozen=True)
class Files:
    """What belongs to a use case, relative to the project.

    :param texts: new files.
    :param copies: where the data is copied to.
    :param catalogue: the changed catalogue.
    """

    texts: dict[str, str]
    copies: dict[str, Path]
    catalogue: str


def check_free(options: Options, project: Path) -> None:
    """Check that nothing else has this name; before the data is read, which may take minutes.

    :raises WrongInput: naming what has it.
    """
    name = options.name
    if name in RESERVED:
        raise WrongInput(f"NAME={name} is reserved: {RESERVED[name]}. Choose another name")
    folders = [f"include/use_cases/{name}", f"tests/include/{name}", f"data/{name}"]
    for path in (*folders, f"include/use_cases/{name}.py", f"dags/{name}.py"):
        if os.path.lexists(project / path):
            raise WrongInput(f"NAME={name}: {path} exists already, and nothing is overwritten")
    local = os.environ.get("ML_DATASETS_DIR")
    if local and (Path(local) / name).exists():
        raise WrongInput(
            f"NAME={name}: {Path(local) / name} exists; it would be its data, because ML_DATASETS_DIR is "
            "set. Choose another name, or unset ML_DATASETS_DIR"
        )
    _check_data_name(name)
    check_constant((project / CATALOGUE).read_text(encoding="utf-8"), options.constant)


def _check_data_name(name: str) -> None:
    from include.datasets.catalogue import CATALOGUE as DATA_SETS

    if name in DATA_SETS:
        raise WrongInput(
            f"NAME={name}: there is sample data of this name, include/datasets/catalogue.py; "
            f"s3://<bucket>/{name}/ belongs to it. Choose another name"
        )


def plan(draft: Draft, project: Path) -> Files:
    """Render everything.

    :raises WrongInput: when the catalogue cannot be extended.
    """
    options = draft.options
    source = (project / CATALOGUE).read_text(encoding="utf-8")
    catalogue = add_classifier(source, options.name, options.constant)
    return Files(render(draft), {data_file(draft): options.csv}, catalogue)


def write(files: Files, project: Path) -> None:
    """Write all files, the catalogue last; a fault midway removes what was written.

    :raises OSError: when a file cannot be written.
    """
    created: list[Path] = []
    try:
        for name, source in files.copies.items():
            with _new_file(project / name, created).open("wb") as target, source.open("rb") as data:
                shutil.copyfileobj(data, target)
        for name, text in files.texts.items():
            _new_file(project / name, created).write_text(text, encoding="utf-8")
        _replace(project / CATALOGUE, files.catalogue)
    except BaseException:
        for path in reversed(created):
            path.rmdir() if path.is_dir() else path.unlink()
        raise


def _new_file(path: Path, created: list[Path]) -> Path:
    """Create an empty file and its folders, and note what was created."""
    for folder in reversed(path.parents):
        if not folder.exists():
            folder.mkdir()
            created.append(folder)
    path.touch(exist_ok=False)
    created.append(path)
    return path


def _replace(path: Path, text: str) -> None:
    """Replace a file in one step, so that no reader sees half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        shutil.copymode(path, name)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
