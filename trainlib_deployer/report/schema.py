"""Words to write a JSON Schema with, and the document of a failure that all commands share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trainlib_deployer.errors import Diagnostic

Document = dict[str, Any]
Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
LEVEL: Schema = {"enum": ["l1", "l2", "l3"]}
SHAPE: Schema = {"type": "array", "items": COUNT}


def obj(properties: Schema, **extra: Any) -> Schema:
    """An object of exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        **extra,
    }


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def by_level(schema: Schema) -> Schema:
    """One entry for each memory level that the device has."""
    return {"type": "object", "propertyNames": LEVEL, "additionalProperties": schema}


def ok_document(properties: Schema, status: Schema | None = None) -> Schema:
    """The document of a command that came to its end."""
    return obj({"schema": {"const": 1}, "status": status or {"const": "ok"}, **properties})


ERRORS: Schema = array(
    obj(
        {
            "message": STRING,
            "file": nullable(STRING),
            "line": nullable(COUNT),
            "column": nullable(COUNT),
            "hint": nullable(STRING),
        }
    )
)

ERROR_SCHEMA: Schema = obj(
    {
        "schema": {"const": 1},
        "status": {"const": "error"},
        "exit_code": {"enum": [1, 2, 3, 4, 5, 6]},
        "errors": {**ERRORS, "minItems": 1},
    }
)


def error_entries(diagnostics: Iterable[Diagnostic]) -> list[Document]:
    return [
        {
            "message": item.message,
            "file": item.where.file if item.where else None,
            "line": item.where.line if item.where else None,
            "column": item.where.column if item.where else None,
            "hint": item.hint,
        }
        for item in diagnostics
    ]


def error_document(exit_code: int, diagnostics: Iterable[Diagnostic]) -> Document:
    """What --json prints when a command fails."""
    return {
        "schema": 1,
        "status": "error",
        "exit_code": exit_code,
        "errors": error_entries(diagnostics),
    }


def whole_schema(title: str, *documents: Schema) -> Schema:
    """The schema of everything that a command may print with --json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "oneOf": [*documents, ERROR_SCHEMA],
    }
