"""`make package`: the archive that Amazon MWAA unpacks into its plugins folder."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def package_files() -> dict[str, Path]:
    """What the archive holds: the contents of plugins/, and include/ without the local AWS."""
    plugins = {str(path.relative_to(PROJECT / "plugins")): path for path in (PROJECT / "plugins").rglob("*")}
    include = {str(path.relative_to(PROJECT)): path for path in (PROJECT / "include").rglob("*")}
    return {
        name: path
        for name, path in sorted({**plugins, **include}.items())
        if path.is_file() and "__pycache__" not in path.parts and "local_aws" not in path.parts
    }


def write_package(target: Path) -> int:
    """Write the archive and return the number of files; equal files give equal bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    files = package_files()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            archive.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return len(files)


if __name__ == "__main__":
    where = PROJECT / "dist" / "plugins.zip"
    print(f"{where.relative_to(PROJECT)}: {write_package(where)} files")
    sys.exit()
