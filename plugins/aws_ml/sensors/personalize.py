"""Sensors for the resources and jobs of Personalize."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.sensors.base_aws import AwsBaseSensor
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from aws_ml.hooks.personalize import PersonalizeHook
from aws_ml.sensors.sagemaker import JobSensor

if TYPE_CHECKING:
    from collections.abc import Sequence


class PersonalizeSensor(JobSensor, AwsBaseSensor[PersonalizeHook]):
    """Wait until a resource is ACTIVE.

    :param arn: the resource. (templated)
    """

    aws_hook_class = PersonalizeHook
    template_fields: Sequence[str] = aws_template_fields("arn")
    ui_color = "#ece8fa"

    def __init__(self, *, arn: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arn = arn

    @property
    def job(self) -> str:
        return self.arn


class PersonalizeDatasetGroupSensor(PersonalizeSensor):
    """Wait for a dataset group."""

    kind_key: ClassVar[str] = "personalize_dataset_group"


class PersonalizeDatasetSensor(PersonalizeSensor):
    """Wait for a dataset."""

    kind_key: ClassVar[str] = "personalize_dataset"


class PersonalizeDatasetImportJobSensor(PersonalizeSensor):
    """Wait for an import."""

    kind_key: ClassVar[str] = "personalize_dataset_import_job"


class PersonalizeDatasetExportJobSensor(PersonalizeSensor):
    """Wait for an export."""

    kind_key: ClassVar[str] = "personalize_dataset_export_job"


class PersonalizeEventTrackerSensor(PersonalizeSensor):
    """Wait for an event tracker."""

    kind_key: ClassVar[str] = "personalize_event_tracker"


class PersonalizeSolutionSensor(PersonalizeSensor):
    """Wait for a solution."""

    kind_key: ClassVar[str] = "personalize_solution"


class PersonalizeSolutionVersionSensor(PersonalizeSensor):
    """Wait for a training; a stopped training is a failure."""

    kind_key: ClassVar[str] = "personalize_solution_version"


class PersonalizeCampaignSensor(PersonalizeSensor):
    """Wait until a campaign, or its latest update, is ACTIVE."""

    kind_key: ClassVar[str] = "personalize_campaign"


class PersonalizeRecommenderSensor(PersonalizeSensor):
    """Wait for a recommender."""

    kind_key: ClassVar[str] = "personalize_recommender"


class PersonalizeFilterSensor(PersonalizeSensor):
    """Wait for a filter."""

    kind_key: ClassVar[str] = "personalize_filter"


class PersonalizeMetricAttributionSensor(PersonalizeSensor):
    """Wait for a metric attribution."""

    kind_key: ClassVar[str] = "personalize_metric_attribution"


class PersonalizeBatchInferenceJobSensor(PersonalizeSensor):
    """Wait for a batch inference job."""

    kind_key: ClassVar[str] = "personalize_batch_inference_job"


class PersonalizeBatchSegmentJobSensor(PersonalizeSensor):
    """Wait for a batch segment job."""

    kind_key: ClassVar[str] = "personalize_batch_segment_job"
