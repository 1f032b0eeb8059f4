"""
## Simulate traffic

Sends made-up customers to an endpoint, to see what drift looks like: rows like those that the model has
learned from, with some columns shifted where `shift` is not 0. For a recommendation use case it writes a log
of interactions, of another taste where `shift` is not 0. Run it by hand; `drift_monitor` measures it.

| param | what it does |
|---|---|
| `use_case`, `rows` | whose endpoint, how many customers; or whose log, how many interactions |
| `shift` | of a number in standard deviations; of a category the share that gets its rarest value; 0: none |
| | of interactions the share of another taste |
| `seconds` | over which the customers are spread |
| `columns` | which; empty: the number that the model listens to most |
| `ground_truth` | whether labels arrive, too: model quality is measured, retraining learns from them |

**Settings** are Airflow Variables: `ml_bucket`.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from include.use_cases.catalogue import CASES
from include.workflows.common.dags import BUCKET, default_args
from include.workflows.simulation import customers

NAMES = list(CASES)


with DAG(
    "simulate_traffic",
    description="Sends customers, or logs interactions, with a shift on purpose: to see drift",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    dagrun_timeout=timedelta(hours=6),
    params={
        "use_case": Param(NAMES[0], type="string", enum=NAMES, title="Use case"),
        "rows": Param(1000, type="integer", minimum=1, title="Customers, or interactions"),
        "shift": Param(0.0, type="number", title="Strength of the shift"),
        "columns": Param([], type="array", items={"type": "string"}, title="Shifted columns"),
        "ground_truth": Param(True, type="boolean", title="Labels arrive"),
        "seconds": Param(0.0, type="number", minimum=0, title="Spread over seconds"),
        "seed": Param(1, type="integer", minimum=0, title="Seed"),
    },
    tags=["ml", "sagemaker", "drift"],
    default_args=default_args(),
):
    customers.send(BUCKET)
