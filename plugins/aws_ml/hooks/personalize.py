"""Amazon Personalize by an Airflow connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

from aws_ml.lifecycle.kinds import PERSONALIZE
from aws_ml.lifecycle.named import find_named

if TYPE_CHECKING:
    from aws_ml.lifecycle.kinds import Description


class PersonalizeHook(AwsBaseHook):
    """Finds resources by name; the service itself finds them by ARN only.

    PersonalizeHook().find("Campaign", "movies", datasetGroupArn=...)["campaignArn"]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "personalize"
        super().__init__(*args, **kwargs)

    def find(self, word: str, name: str, **within: str) -> Description | None:
        """The description of the newest resource of a name; None when there is no such resource.

        :param word: its kind: Campaign, DatasetGroup ...
        :param within: parameters of the List operation, such as `solutionArn`, which versions need.
        :raises JobRejected: when AWS refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        return find_named(self.conn, PERSONALIZE[word], name, **within)
