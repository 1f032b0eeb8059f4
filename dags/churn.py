"""
## Customer churn

Which customers of a telephone company are about to leave? The workflow learns it from past customers,
proves how well it knows, and puts the model behind an endpoint.

| step | what happens | where |
|---|---|---|
| **stage_data**, **upload_code** | data and job scripts go to S3; what is there is skipped | Airflow |
| **preprocess** | validates the data, splits it (70/20/10), fits the feature transformer | processing job |
| **train** | built-in XGBoost | training job |
| **create_model** | one unit: features → XGBoost → label | inference pipeline |
| **batch_transform** | predicts the test rows | transform job |
| **evaluate** | metrics and an HTML report, kept beside the model | processing job |
| **baseline** | what the data and the predictions look like, to compare traffic with | processing job |
| **register** | the model's next version in the model package group `churn` | model registry |
| **deploy** | if the gates are reached: the endpoint `churn`, verified; its version is approved | endpoint |
| **publish** | announces the model and its metrics as the asset `model/churn` | Airflow |
| **teardown** | deletes endpoint, models and versions, where asked for | Airflow |

Operators start jobs, sensors (**wait_for_...**) wait for them and show their logs. A task that is repeated
finds its job again and never pays twice; one that is killed or cleared while it waits stops its job.

**Your own data**: trigger with `data_uri`, the S3 URI of a CSV file with the columns that
`include/use_cases/churn/README.md` names.

**Settings** are Airflow Variables: `ml_bucket`, an S3 bucket; `ml_role_arn`, the role that SageMaker assumes.
"""

from __future__ import annotations

from airflow.sdk import chain

from include.use_cases.churn.use_case import CHURN
from include.workflows.classification.steps import Classifier

with (case := Classifier(CHURN)).dag(doc_md=__doc__):
    chain(
        [case.stage_data(), case.upload_code()],
        *case.preprocess(),
        *case.train(),
        case.create_model(),
        *case.batch_transform(),
        *case.evaluate(),
        *case.baseline(),
        case.register(),
        case.deploy(),
        case.publish(),
        case.teardown(),
    )
    case.finish()
