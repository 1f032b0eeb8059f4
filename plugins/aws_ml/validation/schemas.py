"""Avro schemas as Personalize restricts them (developer guide, "Creating schema JSON files")."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_ml.validation.faults import Faults

NAMESPACE = "com.amazonaws.personalize.schema"
TYPES = ("float", "double", "int", "long", "string", "boolean", "null")
REQUIRED = {
    "Interactions": {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"},
    "Users": {"USER_ID": "string"},
    "Items": {"ITEM_ID": "string"},
}
RESERVED = {  # dataset type → optional columns that the service knows
    "Interactions": {
        **{"EVENT_TYPE": "string", "EVENT_VALUE": "float", "IMPRESSION": "string"},
        **{"RECOMMENDATION_ID": "string", "EVENT_ATTRIBUTION_SOURCE": "string"},
    },
    "Users": {},
    "Items": {"CREATION_TIMESTAMP": "long"},
}
# Quotas of the developer guide: columns that the user adds, and textual ones among them.
MOST_METADATA = {"Interactions": 5, "Users": 25, "Items": 100}
MOST_TEXTUAL = 1
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True)
class Column:
    """A field of a schema.

    :param type: the Avro type without null; empty if it is not an allowed type.
    """

    name: str
    type: str
    nullable: bool = False
    categorical: bool = False
    textual: bool = False


@dataclass(frozen=True)
class Schema:
    """The columns of a dataset type (Interactions, Users or Items), in the order of the schema."""

    type: str
    columns: tuple[Column, ...]

    @property
    def metadata(self) -> list[Column]:
        """The columns that the user adds to those of the service."""
        service = REQUIRED[self.type] | RESERVED[self.type]
        return [column for column in self.columns if column.name not in service]

    def place(self, name: str) -> int | None:
        """The index of a column in a row; None when there is no such column."""
        return next((n for n, column in enumerate(self.columns) if column.name == name), None)


def read_schema(avro: str | dict[str, Any], faults: Faults) -> Schema | None:
    """The schema; None when rows cannot be compared with it.

    :param avro: Avro text, or the same as a dictionary.
    :param faults: the schema's faults are added to it.
    """
    try:
        document = json.loads(avro) if isinstance(avro, str) else avro
    except ValueError as error:
        faults.add(f"schema: not valid JSON ({error})")
        return None
    if not isinstance(document, dict) or document.get("name") not in REQUIRED:
        faults.add(f"schema: expected an Avro record with one of the names {', '.join(REQUIRED)}")
        return None
    for member, value in (("type", "record"), ("namespace", NAMESPACE), ("version", "1.0")):
        if document.get(member) != value:
            faults.add_value(f"schema, {member}", str(document.get(member)), repr(value))
    if not isinstance(document.get("fields"), list):
        faults.add("schema, fields: expected a list")
        return None
    columns = [_column(field, faults) for field in document["fields"]]
    schema = Schema(document["name"], tuple(column for column in columns if column))
    _check_names(schema, faults)
    _check_types(schema, faults)
    _check_metadata(schema, faults)
    return schema


def _column(field: Any, faults: Faults) -> Column | None:
    if not isinstance(field, dict) or not isinstance(field.get("name"), str):
        faults.add_value("schema, fields", json.dumps(field), "an object with a name and a type")
        return None
    avro_type = field.get("type")
    types = avro_type if isinstance(avro_type, list) else [avro_type]
    not_null = [name for name in types if name != "null"] or ["null"]
    if len(not_null) > 1 or not_null[0] not in TYPES:
        expected = f"one of {', '.join(TYPES)}, perhaps in a union with null"
        faults.add_value(f"schema, field {field['name']}", json.dumps(avro_type), expected)
        not_null = [""]
    flags = {flag: field.get(flag) is True for flag in ("categorical", "textual")}
    return Column(field["name"], str(not_null[0]), "null" in types, **flags)


def _check_names(schema: Schema, faults: Faults) -> None:
    names: set[str] = set()
    for column in schema.columns:
        if not NAME.fullmatch(column.name):
            faults.add_value("schema, name of a field", column.name, "letters, digits and _, no digit first")
        plain = column.name.replace("_", "").lower()
        if plain in names:
            faults.add(f"schema, field {column.name}: it is there twice (case and _ do not count)")
        names.add(plain)


def _check_types(schema: Schema, faults: Faults) -> None:
    columns = {column.name: column for column in schema.columns}
    for name, kind in REQUIRED[schema.type].items():
        if name not in columns:
            faults.add(f"schema: {schema.type} need the field {name}")
        elif columns[name].type != kind or columns[name].nullable:
            faults.add(f"schema, field {name}: expected the type {kind}, without null")
    for name, kind in RESERVED[schema.type].items():
        if name in columns and columns[name].type != kind:
            faults.add(f"schema, field {name}: expected the type {kind}")
    for name in REQUIRED[schema.type] | RESERVED[schema.type]:
        if name in columns and columns[name].categorical:
            faults.add(f"schema, field {name}: a field of the service's own cannot be categorical")


def _check_metadata(schema: Schema, faults: Faults) -> None:
    metadata, most = schema.metadata, MOST_METADATA[schema.type]
    if len(metadata) > most:
        faults.add(f"schema: {len(metadata)} fields of its own, {schema.type} have {most} at most")
    if schema.type != "Interactions" and len(schema.columns) < 2:
        faults.add(f"schema: {schema.type} need one field of their own at least")
    textual = [column.name for column in metadata if column.textual]
    if textual and (schema.type != "Items" or len(textual) > MOST_TEXTUAL):
        faults.add(f"schema: {', '.join(textual)} textual; Items may have {MOST_TEXTUAL}, others none")
    for column in metadata:
        marked = column.categorical or column.textual
        if column.type == "string" and schema.type != "Interactions" and not marked:
            faults.add(f"schema, field {column.name}: a string has to be categorical or, in Items, textual")
        if marked and column.type not in ("string", ""):
            faults.add(f"schema, field {column.name}: only a string can be categorical or textual")
