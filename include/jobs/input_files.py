"""Which files of a job's input hold data, and which are marks and drafts of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from job import DataError

if TYPE_CHECKING:
    from pathlib import Path

MARKS = (".", "_")  # how names begin of what is no data: `.ipynb_checkpoints`, `_temporary`, `_SUCCESS`
DATA_SUFFIXES = (".csv", ".txt", ".tsv", ".json", ".jsonl", ".out")  # perhaps with .gz behind


def files_below(folder: Path) -> list[tuple[Path, str]]:
    """All files below a folder that hold data, with their paths in it; in the order of these.

    Marks of other programs are left out, and all of a folder that is called like one; what is left out is
    printed.

    :raises DataError: naming a file that is called like a mark, but has the suffix of data.
    """
    files, left_out = [], dict[str, None]()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        mark = next((part for part in (*reversed(name.parents), name) if part.name.startswith(MARKS)), None)
        if mark is None:
            files.append((path, str(name)))
        elif mark == name and path.name.startswith("_") and _has_data_suffix(path.name):
            raise DataError(
                f"{name} begins with an underscore, as marks of other programs do, but is called like data: "
                "rename it so that it is read, or remove it"
            )
        else:
            left_out[str(mark)] = None
    if left_out:
        print(f"{folder.name}: not read, as hidden or a mark of another program: {', '.join(left_out)}")
    return files


def _has_data_suffix(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(DATA_SUFFIXES)
