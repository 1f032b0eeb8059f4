"""
## Movie recommendations

What does a user want to watch next? What is like a film? Who would like a new one? The workflow trains
several recipes of Amazon Personalize side by side, puts those that serve behind campaigns, and proves by
held-out events what each is worth.

| step | what happens | where |
|---|---|---|
| **stage_...**, **upload_code** | ratings, films, users, scripts go to S3 | Airflow |
| **prepare** | reads and splits: new films and newest events stay out of the training | processing job |
| **validate** | every row against its schema, the minimums, room in the quotas | Airflow |
| **dataset_group**, **import_...** | schemas, datasets, imports | Personalize |
| **popularity** ... **ranking** | each a solution, a version, its metrics, a campaign | Personalize |
| **offline_metrics**, **record** | the service's metrics in one table; what learned from what | Airflow |
| **ask_...**, **evaluate** | every campaign, every user of the hold-out; HTML report | processing job |
| **event_tracker**, **session** | a user clicks: the next recommendations change | Personalize |
| **batch** | recommendations for all users of the hold-out, as a file | batch job |
| **publish** | announces the metrics as the asset `model/movie_recommendations` | Airflow |
| **teardown** | deletes the dataset group and all in it, where asked for | Personalize |

The dataset group stays from run to run: a run imports its data anew, trains new versions and updates the
campaigns. Runs follow each other; a second one waits.

**Your own data**: `interactions_uri`, `items_uri` and `users_uri`, S3 URIs of CSV files with the columns that
`include/use_cases/movie_recommendations/README.md` names.

**Settings** are Airflow Variables: `ml_bucket`; `ml_role_arn`, the role that SageMaker assumes;
`ml_personalize_role_arn`, the one that Personalize assumes.
"""

from __future__ import annotations

from airflow.sdk import chain

from include.use_cases.movie_recommendations.use_case import MOVIES
from include.workflows.recommendation.steps import Recommendation

with (case := Recommendation(MOVIES)).dag(doc_md=__doc__):
    data, code, prepare, validate = case.stage_data(), case.upload_code(), case.prepare(), case.validate()
    group, imports = case.dataset_group(), case.import_data()
    chain([*data, code], *prepare, validate, group, imports)

    recommenders, unseen, tracker = case.train(), case.filter_unseen(), case.event_tracker()
    offline, record, batch = case.offline_metrics(), case.record(), case.batch()
    chain(imports, [*recommenders, unseen, tracker])
    chain(recommenders, offline, record)

    ask, session, publish = case.ask_campaigns(), case.session(), case.publish()
    chain([unseen, offline], ask, *case.evaluate(), publish)
    chain([ask, tracker], session)  # asked before the clicks: the hold-out is measured without them
    chain([publish, record, batch[1], session], case.teardown())
    case.finish()
