"""`make mwaa`: what an Amazon MWAA environment reads from its bucket, in dist/mwaa.

plugins.zip is unpacked into the plugins folder, which is on Python's path; dags/ is copied as it is;
requirements.txt names no constraints, so the image's own are used (ADR 15).
"""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]
ABSENT = {"__pycache__", "local_aws", "infrastructure"}  # not needed by workflows on AWS


def plugin_files() -> dict[str, Path]:
    """Files of the archive by name: the contents of plugins/, and include/."""
    plugins = {str(path.relative_to(PROJECT / "plugins")): path for path in (PROJECT / "plugins").rglob("*")}
    include = {str(path.relative_to(PROJECT)): path for path in (PROJECT / "include").rglob("*")}
    return {
        name: path
        for name, path in sorted({**plugins, **include}.items())
        if path.is_file() and not ABSENT & set(path.relative_to(PROJECT).parts)
    }


def write_plugins(target: Path) -> int:
    """Write the archive and return the number of files; equal files give equal bytes."""
    files = plugin_files()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name)  # dated 1980
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return len(files)


def build(folder: Path) -> int:
    """Write the folder from scratch, ready for `aws s3 sync`; return the number of files in plugins.zip."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PROJECT / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(PROJECT / "requirements.txt", folder / "requirements.txt")
    return write_plugins(folder / "plugins.zip")


if __name__ == "__main__":
    where = PROJECT / "dist" / "mwaa"
    print(f"{where.relative_to(PROJECT)}: dags/, requirements.txt, plugins.zip with {build(where)} files")
    sys.exit()
