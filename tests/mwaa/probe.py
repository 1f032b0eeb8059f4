"""Report what an Airflow loads from its home; runs in the environment of that Airflow (see test_mwaa.py)."""

from __future__ import annotations

import ast
import importlib
import json
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag
from airflow.plugins_manager import get_import_errors, get_plugin_info

PLUGINS = Path(sys.argv[1])


def imported(path: Path) -> set[tuple[str, str]]:
    """Modules and names that a file imports anywhere, inside functions, too."""
    names: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {(node.module, alias.name) for alias in node.names}
    return names


def missing(module: str, name: str) -> str:
    """Why an import fails; empty if it works."""
    try:
        if name and not hasattr(importlib.import_module(module), name):
            importlib.import_module(f"{module}.{name}")
        importlib.import_module(module)
    except ImportError as error:
        return str(error)
    return ""


def main() -> None:
    bag = DagBag()
    from include.aws.code_bundles import read_bundle  # Airflow has put the plugins folder on the path

    # scripts of containers import what the container has
    files = [path for path in PLUGINS.rglob("*.py") if "jobs" not in path.parts]
    imports = sorted(set().union(*(imported(path) for path in files)))
    report = {
        "import_errors": bag.import_errors,
        "dags": {dag.dag_id: dag.fileloc for dag in bag.dags.values()},
        "plugins": [plugin["name"] for plugin in get_plugin_info(["name"])],
        "plugin_errors": get_import_errors(),
        "imports": len(imports),
        "missing": [why for module, name in imports if (why := missing(module, name))],
        "bundle": sorted(read_bundle("jobs").files),
        "ours": sorted(
            {
                str(vars(module).get("__file__"))
                for name, module in list(sys.modules.items())
                if name.split(".")[0] in ("include", "aws_ml")
            }
        ),
    }
    print(json.dumps(report))


main()
