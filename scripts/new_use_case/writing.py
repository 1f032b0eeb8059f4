"""All files of a use case, or none: everything is checked and rendered before the first one is written."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from include.workflows.common.folders import SHARED_CODE
from scripts.new_use_case.catalogue import PACKAGE, add_classifier, check_constant
from scripts.new_use_case.errors import WrongInput
from scripts.new_use_case.rendering import data_file, render

if TYPE_CHECKING:
    from scripts.new_use_case.draft import Draft
    from scripts.new_use_case.options import Options

CATALOGUE = "include/use_cases/catalogue.py"
RESERVED = {  # folders of the bucket (docs/aws.md) that belong to no use case
    SHARED_CODE: f"s3://<bucket>/{SHARED_CODE}/ holds the job scripts that all use cases share",
    "mwaa": "s3://<bucket>/mwaa/ holds what Airflow runs on MWAA",
}


@dataclass(frozen=True)
class Files:
    """What belongs to a use case, relative to the project.

    :param texts: new files, the DAG last.
    :param copies: where the data is copied to.
    :param catalogue_before: the catalogue as it was read.
    :param catalogue: the changed catalogue.
    """

    texts: dict[str, str]
    copies: dict[str, Path]
    catalogue_before: str
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
            hint = _hint(options, folders, project)
            raise WrongInput(f"NAME={name}: {path} exists already, and nothing is overwritten{hint}")
    local = os.environ.get("ML_DATASETS_DIR")
    if local and (Path(local) / name).exists():
        raise WrongInput(
            f"NAME={name}: {Path(local) / name} exists; it would be its data, because ML_DATASETS_DIR is "
            "set. Choose another name, or unset ML_DATASETS_DIR"
        )
    _check_data_name(name)
    check_constant((project / CATALOGUE).read_text(encoding="utf-8"), options.constant)


def _hint(options: Options, folders: list[str], project: Path) -> str:
    """How to go on where a run was killed between two files: the data is the first, the catalogue is late."""
    source = (project / CATALOGUE).read_text(encoding="utf-8")
    if f"{PACKAGE}.{options.name}." in source or not (project / "data" / options.name).is_dir():
        return ""
    present = [folder for folder in folders if (project / folder).exists()]
    return f". If an interrupted run of this command left it, remove it: rm -r {' '.join(present)}"


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
    return Files(render(draft), {data_file(draft): options.csv}, source, catalogue)


def write(files: Files, project: Path) -> None:
    """Write all files: the data first, the DAG last, so that Airflow sees it when all else is there.

    A fault midway takes back what was written; what cannot be removed is noted on the exception.

    :raises OSError: when a file cannot be written.
    :raises WrongInput: when the catalogue is not what it was when the files were planned.
    """
    *texts, dag = files.texts.items()
    created: list[Path] = []
    with ExitStack() as undo:
        undo.push(partial(_take_back, created))
        for name, source in files.copies.items():
            with _new_file(project / name, created).open("wb") as target, source.open("rb") as data:
                shutil.copyfileobj(data, target)
        for name, text in texts:
            _new_file(project / name, created).write_text(text, encoding="utf-8")
        catalogue = project / CATALOGUE
        _check_unchanged(catalogue, files.catalogue_before)
        undo.callback(_restore, catalogue, files)
        _replace(catalogue, files.catalogue)
        _new_file(project / dag[0], created).write_text(dag[1], encoding="utf-8")
        undo.pop_all()


def _check_unchanged(catalogue: Path, text: str) -> None:
    if catalogue.read_text(encoding="utf-8") != text:
        raise WrongInput(f"{CATALOGUE} was changed while this command ran: run the command again")


def _restore(catalogue: Path, files: Files) -> None:
    """Take the use case out of the catalogue, where it is in it."""
    if catalogue.read_text(encoding="utf-8") == files.catalogue:
        _replace(catalogue, files.catalogue_before)


def _new_file(path: Path, created: list[Path]) -> Path:
    """Create an empty file and its folders, and note what was created."""
    for folder in reversed(path.parents):
        if not folder.exists():
            created.append(folder)
            folder.mkdir()
    with path.open("x"):
        created.append(path)
    return path


def _take_back(created: list[Path], kind: object, error: BaseException | None, traceback: object) -> None:
    """Remove what was created, except folders that hold other files by now.

    An exit callback of `ExitStack`: the exception of the fault goes on its way.
    """
    for path in reversed(created):
        with suppress(OSError):
            if path.is_dir():
                shutil.rmtree(path / "__pycache__", ignore_errors=True)
                path.rmdir()
            else:
                path.unlink()
    remaining = [str(path) for path in created if os.path.lexists(path)]
    if remaining and error is not None:
        error.add_note(f"These could not be removed: {', '.join(remaining)}")


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
