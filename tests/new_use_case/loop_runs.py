"""Runs in a copy of the project, in Airflow's environment: drift and retraining of generated use cases.

    python -m tests.new_use_case.loop_runs <folder> <use case> ...

A scheduler runs the DAGs, because `retraining` starts the use case's own DAG. The second champion is poor on
purpose. The last line that it prints is JSON: by use case the `states` of the DAG runs in their order, the
`window` that the monitor measured, the decisions `worse` and `better`, and what the endpoint served before
and after each (`models`).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from include.use_cases.catalogue import CLASSIFIERS
from tests.airflow_stack import Stack
from tests.loop.world import World

POOR = {"num_round": 1, "max_depth": 1}
WINDOW_HOURS = 0.1
CAPTURE_SECONDS = 45  # the window ends a tenth of its length before the monitor's run
CANARY_MINUTES = 0.5  # a deferral of a few seconds may overtake a busy scheduler: ADR 11


class Generated(World):
    """One generated use case; notes how its DAG runs end."""

    def __init__(self, stack: Stack, name: str) -> None:
        super().__init__(stack, name)
        self.states: list[str] = []
        self.models: list[str] = []

    def do(self, dag: str, conf: dict[str, Any]) -> str:
        """Run a DAG to its end and return the run's id."""
        run = self.start(dag, conf)
        self.states.append(self.finish(dag, run))
        return run

    def note_model(self) -> None:
        """Note which models the endpoint serves."""
        sagemaker = self.stack.sagemaker
        name = sagemaker.describe_endpoint(EndpointName=CLASSIFIERS[self.use_case].endpoint)[
            "EndpointConfigName"
        ]
        config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
        self.models += [variant["ModelName"] for variant in config["ProductionVariants"]]

    def retrain(self, overrides: dict[str, Any]) -> dict[str, Any]:
        conf = {"use_cases": [self.use_case], "overrides": overrides, "canary_minutes": CANARY_MINUTES}
        decision = self.decision(self.do("retraining", conf))
        self.note_model()
        return decision


def main(folder: Path, names: list[str]) -> None:
    stack = Stack(folder, {"AIRFLOW__CORE__PARALLELISM": "8"}, jobs=2)
    try:
        for dag in (*names, "drift_monitor", "retraining", "simulate_traffic"):
            stack.api.wait_for_dag(dag)
        print(json.dumps({name: loop(Generated(stack, name)) for name in names}))
    finally:
        stack.close()


def loop(case: Generated) -> dict[str, Any]:
    """A good champion: shifted traffic, a worse challenger. Then a poor champion: a better challenger."""
    case.do(case.use_case, {})
    case.do("simulate_traffic", {"use_case": case.use_case, "rows": 1200, "shift": 2.5, "seconds": 10})
    time.sleep(CAPTURE_SECONDS)
    case.do("drift_monitor", {"use_cases": [case.use_case], "window_hours": WINDOW_HOURS})
    (window,) = case.documents("/window.json")
    case.note_model()
    worse = case.retrain(POOR)
    case.do(case.use_case, {**POOR, "gate_auc": 0.5})
    case.note_model()
    better = case.retrain({})
    return {
        "states": case.states,
        "models": case.models,
        "window": window,
        "better": better,
        "worse": worse,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
