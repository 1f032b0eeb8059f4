"""Messages to people: by the notifier that a Variable names, or by Amazon SNS."""

from __future__ import annotations

import json
from typing import Any

from airflow.sdk import Variable


def send_message(subject: str, text: str, context: Any) -> bool:
    """Send a message to whom the Variables name; False where they name nobody.

    `ml_notifier` is JSON: `{"class": "airflow.providers.slack....SlackNotifier", "arguments": {...}}`; in an
    argument `{subject}` and `{text}` are replaced. `ml_sns_topic_arn` is the topic for SNS.
    """
    from importlib import import_module

    if setting := Variable.get("ml_notifier", default=None):
        notifier = json.loads(setting)
        module, _, name = notifier["class"].rpartition(".")
        arguments = {key: _filled(value, subject, text) for key, value in notifier["arguments"].items()}
        getattr(import_module(module), name)(**arguments)(context)
        return True
    if topic := Variable.get("ml_sns_topic_arn", default=None):
        from airflow.providers.amazon.aws.hooks.sns import SnsHook

        SnsHook().publish_to_target(topic, text, subject)  # type: ignore[no-untyped-call]
        return True
    return False


def _filled(argument: Any, subject: str, text: str) -> Any:
    if not isinstance(argument, str):
        return argument
    return argument.replace("{subject}", subject).replace("{text}", text)
