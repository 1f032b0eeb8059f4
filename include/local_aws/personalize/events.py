"""Event trackers, and the service personalize-events: rows that arrive one by one."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from include.local_aws.personalize import checks
from include.local_aws.personalize.errors import invalid
from include.local_aws.personalize.resources import ACTIVE

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.personalize.backend import Backend
    from include.local_aws.state import Document

EVENTS = "EVENT_INTERACTIONS"
EVENT_SCHEMA = "arn:aws:personalize:::schema/event-interactions"


class EventTrackers:
    """The operation that creates trackers. The first tracker of a group also creates a dataset for events."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create_event_tracker(self, params: Params, caller: Caller) -> Output:
        """Create an event tracker.

        :raises AwsError: LimitExceededException when the dataset group has one.
        """
        group = self._backend.parents("EventTracker", params)["datasetGroupArn"]
        tracking = str(uuid.uuid4())
        document = dict(params) | {"trackingId": tracking, "accountId": caller.account}
        arn = self._backend["EventTracker"].create(document, caller)
        if self._backend.dataset(group["datasetGroupArn"], EVENTS) is None:
            dataset: Document = {"name": f"{group['name']}-events", "datasetType": EVENTS}
            dataset |= {"datasetGroupArn": group["datasetGroupArn"], "schemaArn": EVENT_SCHEMA}
            dataset |= {"trackingId": tracking, "files": []}
            self._backend["Dataset"].create(dataset, caller, suffix=f"{group['name']}/{EVENTS}")
        return {"eventTrackerArn": arn, "trackingId": tracking}


class Events:
    """The operations PutEvents, PutItems and PutUsers."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def put_events(self, params: Params, caller: Caller) -> Output:
        """Store events of a user or session.

        :raises AwsError: InvalidInputException for an unknown tracking id, properties that are not JSON, and
            a value of the wrong type or out of range.
        """
        tracker = self._tracker(params["trackingId"])
        events = [_event(event) for event in params["eventList"]]
        group = tracker["datasetGroupArn"]
        self._backend.storage.add_events(group, params.get("userId"), params["sessionId"], events)
        return None

    def put_items(self, params: Params, caller: Caller) -> Output:
        """Insert or replace items.

        :raises AwsError: InvalidInputException for another type of dataset, an unknown property, and a value
            that does not fit the schema.
        """
        return self._put(params, "Items", "ITEM_ID", [(entry["itemId"], entry) for entry in params["items"]])

    def put_users(self, params: Params, caller: Caller) -> Output:
        """Insert or replace users.

        :raises AwsError: InvalidInputException for another type of dataset, an unknown property, and a value
            that does not fit the schema.
        """
        return self._put(params, "Users", "USER_ID", [(entry["userId"], entry) for entry in params["users"]])

    def _put(
        self, params: Params, kind: str, identifier: str, entries: list[tuple[str, dict[str, Any]]]
    ) -> Output:
        dataset = self._backend["Dataset"].active(params["datasetArn"])
        if dataset["datasetType"] != kind.upper():
            raise invalid(
                f"{params['datasetArn']} is a dataset of {dataset['datasetType']}, not of {kind.upper()}."
            )
        columns = {
            column.name.replace("_", "").lower(): column for column in self._backend.schema(dataset).columns
        }
        rows = []
        for name, entry in entries:
            row: dict[str, Any] = {identifier: checks.identifier(identifier, name)}
            for field, value in _properties(entry).items():
                if (column := columns.get(field.replace("_", "").lower())) is None:
                    raise invalid(f"The schema has no field for the property {field} of {name}.")
                if column.name in checks.IDS:
                    raise invalid(f"The property {field} of {name} is its identifier.")
                row[column.name] = checks.column_value(column, value, name)
            rows.append((name, row))
        self._backend.storage.put_rows(params["datasetArn"], rows)
        self._backend.touch(dataset)
        return None

    def _tracker(self, tracking: str) -> Document:
        for tracker in self._backend["EventTracker"].documents:
            if tracker["trackingId"] == tracking and tracker["status"] == ACTIVE:
                return tracker
        raise invalid(f"There is no active event tracker with the tracking id {tracking}.")


def _event(event: dict[str, Any]) -> dict[str, Any]:
    """An event as it is stored; item and value may stand among its properties."""
    properties = _properties(event)
    item = event.get("itemId", properties.get("itemId"))
    value = event.get("eventValue", properties.get("eventValue"))
    return {
        "type": event["eventType"],
        "item": None if item is None else checks.identifier("itemId", item),
        "value": None if value is None else checks.number("eventValue", value),
        "moment": checks.moment("sentAt", event["sentAt"]),
        "more": {k: v for k, v in event.items() if k in ("recommendationId", "impression", "properties")},
    }


def _properties(entry: dict[str, Any]) -> dict[str, Any]:
    """The properties of an event, item or user, which the SDKs send as one JSON string."""
    try:
        properties = json.loads(entry.get("properties") or "{}")
    except ValueError as error:
        raise invalid(f"properties is not valid JSON: {error}") from error
    if not isinstance(properties, dict):
        raise invalid("properties has to be a JSON object.")
    return properties
