"""`explain --stage memory`: every buffer, where it lies and when it lives."""

from __future__ import annotations

from dataclasses import asdict

from trainlib_deployer.project import Project
from trainlib_deployer.report.memory_levels import LEVELS_SCHEMA, levels_document, levels_text
from trainlib_deployer.report.schema import (
    COUNT,
    LEVEL,
    STRING,
    Document,
    Schema,
    array,
    nullable,
    obj,
)
from trainlib_deployer.report.text import Cell, table

SCHEMA: Schema = {
    "home": LEVEL,
    "levels": LEVELS_SCHEMA,
    "buffers": array(
        obj(
            {
                "name": STRING,
                "level": LEVEL,
                "offset": COUNT,
                "bytes": COUNT,
                "first": COUNT,
                "last": COUNT,
                "kind": STRING,
                "tensor": STRING,
                "step": nullable(STRING),
            }
        )
    ),
}


def document(project: Project) -> Document:
    """Lifetimes are half-open: [first, last) in Steps."""
    order = sorted(project.memory.allocations, key=lambda a: (a.level, a.first, a.offset, a.name))
    return {
        "home": project.memory.home,
        "levels": levels_document(project),
        "buffers": [asdict(allocation) for allocation in order],
    }


def text(found: Document) -> str:
    """Each level's use, then a row a buffer."""
    rows: list[list[Cell]] = [
        [
            buffer["level"].upper(),
            buffer["offset"],
            buffer["bytes"],
            f"[{buffer['first']}, {buffer['last']})",
            buffer["kind"],
            buffer["name"],
        ]
        for buffer in found["buffers"]
    ]
    head = ["level", "offset", "bytes", "alive in Steps", "kind", "buffer"]
    return f"{levels_text(found['levels'])}\n\n{table(head, rows)}"
