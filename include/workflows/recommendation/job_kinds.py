"""The kinds of jobs of Personalize. Apart, so that no classifier's DAG file imports their operators."""

from __future__ import annotations

from aws_ml.operators.personalize import (
    PersonalizeBatchInferenceJobOperator,
    PersonalizeCampaignOperator,
    PersonalizeDatasetImportJobOperator,
    PersonalizeSolutionVersionOperator,
)
from aws_ml.sensors.personalize import (
    PersonalizeBatchInferenceJobSensor,
    PersonalizeCampaignSensor,
    PersonalizeDatasetImportJobSensor,
    PersonalizeSolutionVersionSensor,
)
from include.workflows.common.job_tasks import JobKind

IMPORT = JobKind(
    PersonalizeDatasetImportJobOperator, PersonalizeDatasetImportJobSensor, ("datasetImportJobArn",), "arn"
)
SOLUTION_VERSION = JobKind(
    PersonalizeSolutionVersionOperator, PersonalizeSolutionVersionSensor, ("solutionVersionArn",), "arn"
)
CAMPAIGN = JobKind(PersonalizeCampaignOperator, PersonalizeCampaignSensor, ("campaignArn",), "arn")
BATCH_INFERENCE = JobKind(
    PersonalizeBatchInferenceJobOperator, PersonalizeBatchInferenceJobSensor, ("batchInferenceJobArn",), "arn"
)
