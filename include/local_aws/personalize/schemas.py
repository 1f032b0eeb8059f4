"""Avro schemas with Personalize's restrictions (developer guide, "Creating schema JSON files")."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from include.local_aws.personalize.errors import invalid

NAMESPACE = "com.amazonaws.personalize.schema"
TYPES = ("float", "double", "int", "long", "string", "boolean", "null")
REQUIRED = {
    "Interactions": {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"},
    "Users": {"USER_ID": "string"},
    "Items": {"ITEM_ID": "string"},
}
RESERVED = {
    *("EVENT_TYPE", "EVENT_VALUE", "IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE"),
    *("USER_ID", "ITEM_ID", "TIMESTAMP", "CREATION_TIMESTAMP"),
}
MOST_METADATA = {"Interactions": 5, "Users": 25, "Items": 100}


@dataclass(frozen=True)
class Column:
    """One field of a schema.

    :param type: the Avro type without null.
    """

    name: str
    type: str
    nullable: bool = False
    categorical: bool = False
    textual: bool = False


@dataclass(frozen=True)
class Schema:
    """A checked schema.

    Schema.read(text).type == "Interactions"
    """

    type: str
    columns: tuple[Column, ...]

    @classmethod
    def read(cls, text: str) -> Schema:
        """Parse and check an Avro schema.

        :raises AwsError: InvalidInputException naming the field that is wrong.
        """
        try:
            document = json.loads(text)
        except ValueError as error:
            raise invalid(f"The schema is not valid JSON: {error}") from error
        _check_record(document)
        columns = tuple(_column(field) for field in document["fields"])
        schema = cls(document["name"], columns)
        _check_columns(schema)
        return schema

    @property
    def metadata(self) -> list[Column]:
        """The columns that are not reserved: metadata of the user's own."""
        return [column for column in self.columns if column.name not in RESERVED]


def _check_record(document: Any) -> None:
    if not isinstance(document, dict) or document.get("type") != "record":
        raise invalid("The schema has to be an Avro record.")
    if document.get("name") not in REQUIRED:
        raise invalid(
            f"The schema's name has to be one of {', '.join(REQUIRED)}, not {document.get('name')!r}."
        )
    if document.get("namespace") != NAMESPACE:
        raise invalid(f"The schema's namespace has to be {NAMESPACE}, not {document.get('namespace')!r}.")
    if document.get("version") != "1.0":
        raise invalid(f'The schema\'s version has to be "1.0", not {document.get("version")!r}.')
    if not isinstance(document.get("fields"), list) or not document["fields"]:
        raise invalid("The schema has no fields.")


def _column(field: Any) -> Column:
    if not isinstance(field, dict) or not isinstance(field.get("name"), str):
        raise invalid(f"A field of the schema has no name: {json.dumps(field)}")
    name, types = field["name"], field.get("type")
    types = types if isinstance(types, list) else [types]
    plain = [entry for entry in types if entry != "null"]
    if len(plain) != 1 or plain[0] not in TYPES:
        raise invalid(
            f"The field {name} has the type {json.dumps(field.get('type'))}; allowed are {', '.join(TYPES)}."
        )
    flags = {flag: bool(field.get(flag)) for flag in ("categorical", "textual")}
    return Column(name, plain[0], "null" in types, **flags)


def _check_columns(schema: Schema) -> None:
    plain_names: set[str] = set()
    for column in schema.columns:
        plain_name = column.name.replace("_", "").lower()
        if plain_name in plain_names:
            raise invalid(f"The field {column.name} occurs more than once (case and _ do not count).")
        plain_names.add(plain_name)
    names = {column.name: column for column in schema.columns}
    for name, kind in REQUIRED[schema.type].items():
        if name not in names or names[name].type != kind:
            raise invalid(f"The {schema.type} schema needs the field {name} of type {kind}.")
    if len(schema.metadata) > MOST_METADATA[schema.type]:
        raise invalid(f"The {schema.type} schema has more than {MOST_METADATA[schema.type]} metadata fields.")
    if schema.type != "Interactions" and len(schema.columns) < 2:
        raise invalid(f"The {schema.type} schema needs at least one metadata field.")
    for column in schema.metadata:
        if (
            column.type == "string"
            and schema.type != "Interactions"
            and not (column.categorical or column.textual)
        ):
            raise invalid(f"The field {column.name} is a string: it has to be categorical or textual.")
