"""Messages to people: by the notifier that a Variable names, or by Amazon SNS."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from airflow.sdk import BaseNotifier, Variable

from include.workflows.common.errors import WrongSetting

log = logging.getLogger(__name__)

SETTING = "ml_notifier"
# characters of a message: SNS takes 256 KiB, and a character is up to twelve bytes in the hook's JSON
MESSAGE_LIMIT = 20_000
SUBJECT_LIMIT = 100  # characters of a message's subject, which Amazon SNS takes in ASCII only


def send_message(subject: str, text: str, context: Any) -> bool:
    """Send a message to whom the Variables name; False where they name nobody.

    `ml_notifier` is JSON: `{"class": "airflow.providers.slack....SlackNotifier", "arguments": {...}}`; in an
    argument `{subject}` and `{text}` are replaced. `ml_sns_topic_arn` is the topic for SNS.

    :raises WrongSetting: when `ml_notifier` does not name a notifier.
    """
    if setting := Variable.get(SETTING, default=None):
        # not called: that would render the texts as templates, and they quote data
        _notifier(setting, {"subject": subject, "text": text}).notify(context)
        return True
    if topic := Variable.get("ml_sns_topic_arn", default=None):
        from airflow.providers.amazon.aws.hooks.sns import SnsHook

        short = " ".join(subject.encode("ascii", "replace").decode().split())[:SUBJECT_LIMIT]
        SnsHook().publish_to_target(topic, _cut(text), short)  # type: ignore[no-untyped-call]
        return True
    return False


def _cut(text: str) -> str:
    """As much of a text as goes into a message to Amazon SNS, and how much is missing."""
    missing = len(text) - MESSAGE_LIMIT
    if missing <= 0:
        return text
    return f"{text[:MESSAGE_LIMIT]}\n... and {missing:,} characters more: the task's log has all of them"


def report_faults(subject: str, faults: list[str], context: Any) -> None:
    """Log what was left out, and tell people; without faults, nothing."""
    for fault in faults:
        log.warning("%s: %s", subject, fault)
    if faults:
        send_message(subject, "\n".join(faults), context)


def _notifier(setting: str, texts: dict[str, str]) -> BaseNotifier:
    """The notifier that the setting names.

    :param texts: what its placeholders stand for.
    :raises WrongSetting: when it is no JSON of a class and arguments, or the class is no notifier.
    """
    from importlib import import_module

    try:
        content = json.loads(setting)
        module, _, name = content["class"].rpartition(".")
        notifier, arguments = getattr(import_module(module), name), dict(content["arguments"])
    except (ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise WrongSetting(f"The Variable {SETTING} names no class with arguments: {error!r}") from error
    if not (isinstance(notifier, type) and issubclass(notifier, BaseNotifier)):
        raise WrongSetting(f"The Variable {SETTING} names {content['class']}, which is no Airflow notifier.")
    try:
        return notifier(**{key: _filled(value, texts) for key, value in arguments.items()})
    except TypeError as error:
        raise WrongSetting(
            f"The Variable {SETTING}: {content['class']} does not take these: {error}"
        ) from error


def _filled(argument: Any, texts: dict[str, str]) -> Any:
    if not isinstance(argument, str):
        return argument
    return re.sub(r"\{(subject|text)\}", lambda match: texts[match[1]], argument)
