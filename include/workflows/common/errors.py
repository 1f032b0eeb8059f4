"""Errors of the workflows.

WorkflowError               a workflow that cannot go on, or is put together wrongly
├── NotOfThisProject        a version, or a campaign, that no workflow of this project has made
├── NothingServes           a step needs a model in service, and there is none
├── NothingCaptured         the requests of an endpoint do not go where the drift monitor looks for them
├── OtherModelServes        an endpoint runs another model than the approved version's
├── UnknownColumn           a column that the use case does not have
├── WrongOverride           a param that a retraining must not set
├── WrongSetting            a Variable that cannot be used
├── UnreadableEvents        drift events that name no use case
├── NotApproved             a challenger that a person has to approve, and nobody has
├── ChampionChanged         something else serves than what a challenger was compared with
├── EndpointDisagrees       an endpoint answers something else than the batch transform did
├── RecommendationsStay     events were sent, and the recommendations did not change
├── OtherVersion            a campaign serves a version that another run has trained
├── VerificationFailed      a promoted model is not what was compared, fails, or is too slow
└── RetrainingFailed        a retraining was rolled back, or one of its steps failed

What no second try can mend is an `AirflowFailException`, too.
"""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowException, AirflowFailException


class WorkflowError(AirflowException):
    """A workflow that cannot go on."""


class NotOfThisProject(WorkflowError, AirflowFailException):
    """A version lacks what the project's workflows leave with it, or was trained by somebody else."""


class NothingServes(WorkflowError, AirflowFailException):
    """No model of the use case is in service."""


class NothingCaptured(WorkflowError, AirflowFailException):
    """An endpoint captures no requests, or elsewhere."""


class OtherModelServes(WorkflowError, AirflowFailException):
    """The endpoint runs another model than that of the approved version."""


class WrongOverride(WorkflowError, AirflowFailException):
    """A param of a use case's DAG that a retraining must not set, or a value that the DAG would refuse."""


class WrongSetting(WorkflowError, AirflowFailException):
    """An Airflow Variable that cannot be used."""


class UnreadableEvents(WorkflowError, AirflowFailException):
    """Drift events that do not say which use case has drifted."""


class NotApproved(WorkflowError, AirflowFailException):
    """A challenger is about to take over without the answer of the person who decides."""


class ChampionChanged(WorkflowError, AirflowFailException):
    """A challenger is about to replace what it was not compared with."""


class UnknownColumn(WorkflowError, AirflowFailException):
    """The use case has no such column."""


class EndpointDisagrees(WorkflowError):
    """The endpoint answers something else than the batch transform did."""


class RecommendationsStay(WorkflowError):
    """Events were sent, and the recommendations did not change."""


class OtherVersion(WorkflowError):
    """A campaign serves a version that another run has trained."""


class VerificationFailed(WorkflowError, AirflowFailException):
    """A model in service is not what was compared, or it fails, or is too slow."""


class RetrainingFailed(WorkflowError, AirflowFailException):
    """A challenger was rolled back, or a step failed: people should look."""
