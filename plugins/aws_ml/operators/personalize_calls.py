"""Single calls to Personalize: recommendations, events, metrics, stops.

PersonalizeGetRecommendationsOperator(task_id="ask", config={"campaignArn": ..., "userId": "3"})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from aws_ml.clients import Aws
from aws_ml.errors import RETRY_POLICY, calling
from aws_ml.hooks.personalize import PersonalizeHook
from aws_ml.operators.personalize import plain

if TYPE_CHECKING:
    from airflow.sdk import Context

    from aws_ml.lifecycle.kinds import Description


class PersonalizeCallOperator(AwsBaseOperator[PersonalizeHook]):
    """Make a call, and return its answer.

    :param config: the parameters of the call. (templated)
    """

    aws_hook_class = PersonalizeHook
    template_fields = aws_template_fields("config")
    template_fields_renderers: ClassVar[dict[str, str]] = {"config": "json"}
    ui_color = "#ded7f5"
    service: ClassVar[str] = "personalize"
    operation: ClassVar[str]

    def __init__(self, *, config: Description, **kwargs: Any) -> None:
        kwargs.setdefault("retry_policy", RETRY_POLICY)
        super().__init__(**kwargs)
        self.config = config

    def execute(self, context: Context) -> Description:
        """Call; returns the answer.

        :raises JobRejected: when the service refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        with calling(self.operation.replace("_", " ")):
            client = Aws.of(self).client(self.service)
            answer: Description = getattr(client, self.operation)(**self.config)
        answer.pop("ResponseMetadata", None)
        return plain(answer)


class PersonalizeGetSolutionMetricsOperator(PersonalizeCallOperator):
    """The offline metrics of a solution version, as {"solutionVersionArn": ..., "metrics": {...}}."""

    operation = "get_solution_metrics"


class PersonalizeGetRecommendationsOperator(PersonalizeCallOperator):
    """Recommend items for a user, or items like another, by a campaign or recommender."""

    service, operation = "personalize-runtime", "get_recommendations"


class PersonalizeGetRankingOperator(PersonalizeCallOperator):
    """Rank items for a user."""

    service, operation = "personalize-runtime", "get_personalized_ranking"


class PersonalizePutEventsOperator(PersonalizeCallOperator):
    """Send up to ten events of a session to an event tracker."""

    service, operation = "personalize-events", "put_events"


class PersonalizePutItemsOperator(PersonalizeCallOperator):
    """Add or replace up to ten items of a dataset."""

    service, operation = "personalize-events", "put_items"


class PersonalizePutUsersOperator(PersonalizeCallOperator):
    """Add or replace up to ten users of a dataset."""

    service, operation = "personalize-events", "put_users"


class PersonalizeStopSolutionVersionOperator(PersonalizeCallOperator):
    """Stop a training; it is billed up to then."""

    operation = "stop_solution_version_creation"


class PersonalizeStartRecommenderOperator(PersonalizeCallOperator):
    """Start a recommender that was stopped."""

    operation = "start_recommender"


class PersonalizeStopRecommenderOperator(PersonalizeCallOperator):
    """Stop a recommender; a stopped recommender is not billed."""

    operation = "stop_recommender"
