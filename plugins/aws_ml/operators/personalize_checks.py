"""Checks for what Personalize would refuse, before anything is paid for.

PersonalizeValidateDatasetOperator(task_id="check", uri="s3://bucket/films/", schema={...})
PersonalizeCheckQuotasOperator(task_id="room", dataset_group="films", names={"Campaign": ["for-you"]})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from aws_ml.clients import Aws
from aws_ml.errors import RETRY_POLICY
from aws_ml.hooks.personalize import PersonalizeHook
from aws_ml.validation.datasets import validate
from aws_ml.validation.quotas import check_quotas

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context


class PersonalizeValidateDatasetOperator(AwsBaseOperator[PersonalizeHook]):
    """Read CSV objects as an import would, against their Avro schema; the schema is checked, too.

    :param uri: S3 URI of a CSV file, or of the folder that holds several. (templated)
    :param schema: as text or as a dictionary. (templated)
    :param import_mode: of the import that follows: INCREMENTAL rows need not be enough to train on.
    """

    aws_hook_class = PersonalizeHook
    template_fields = aws_template_fields("uri", "schema")
    template_fields_renderers: ClassVar[dict[str, str]] = {"schema": "json"}
    ui_color = "#ded7f5"

    def __init__(
        self,
        *,
        uri: str,
        schema: str | dict[str, Any],
        import_mode: Literal["FULL", "INCREMENTAL"] = "FULL",
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("retry_policy", RETRY_POLICY)
        super().__init__(**kwargs)
        self.uri, self.schema, self.import_mode = uri, schema, import_mode

    def execute(self, context: Context) -> dict[str, Any]:
        """Check; returns `type`, `files`, `rows` and `bytes` of what was read.

        :raises InvalidData: naming the first 20 faults with file, line, column and what was expected.
        :raises JobRejected: when S3 refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        summary = validate(Aws.of(self).client("s3"), self.uri, self.schema, self.log, mode=self.import_mode)
        self.log.info("%d rows of %s are valid for Personalize", summary["rows"], summary["type"])
        return summary


class PersonalizeCheckQuotasOperator(AwsBaseOperator[PersonalizeHook]):
    """Check whether the quotas have room for what a workflow will create, before it starts.

    :param dataset_group: the name of the dataset group; it need not exist. (templated)
    :param names: names by kind: Schema, DatasetGroup, Solution, Campaign, Recommender, Filter, EventTracker,
        MetricAttribution. What exists already needs no more room; empty names are ignored. (templated)
    :param quotas: your account's, by kind, where they are not the service's defaults.
    """

    aws_hook_class = PersonalizeHook
    template_fields = aws_template_fields("dataset_group", "names")
    template_fields_renderers: ClassVar[dict[str, str]] = {"names": "json"}
    ui_color = "#ded7f5"

    def __init__(
        self,
        *,
        dataset_group: str,
        names: Mapping[str, Sequence[str]],
        quotas: Mapping[str, int] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("retry_policy", RETRY_POLICY)
        super().__init__(**kwargs)
        self.dataset_group, self.names, self.quotas = dataset_group, names, quotas

    def execute(self, context: Context) -> dict[str, str]:
        """Check; returns how much of each quota will be used: {"Campaign": "4 of 5"}.

        :raises JobRejected: naming every kind without room.
        :raises ServiceFault: when AWS is at fault.
        """
        client = Aws.of(self).client("personalize")
        return check_quotas(client, self.dataset_group, self.names, self.quotas or {})
