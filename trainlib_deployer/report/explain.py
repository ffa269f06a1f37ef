"""`explain`: one file a stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trainlib_deployer.project import Project
from trainlib_deployer.report import (
    explain_graph,
    explain_kernels,
    explain_memory,
    explain_schedule,
    explain_tiles,
)
from trainlib_deployer.report.schema import STRING, Document, Schema, ok_document


@dataclass(frozen=True)
class Stage:
    """What one stage decided: as a document, and that document as text."""

    schema: Schema
    document: Callable[[Project], Document]
    text: Callable[[Document], str]


STAGES: Mapping[str, Stage] = {
    "graph": Stage(explain_graph.SCHEMA, explain_graph.document, explain_graph.text),
    "schedule": Stage(explain_schedule.SCHEMA, explain_schedule.document, explain_schedule.text),
    "memory": Stage(explain_memory.SCHEMA, explain_memory.document, explain_memory.text),
    "tiles": Stage(explain_tiles.SCHEMA, explain_tiles.document, explain_tiles.text),
    "kernels": Stage(explain_kernels.SCHEMA, explain_kernels.document, explain_kernels.text),
}

EXPLAIN_SCHEMAS: tuple[Schema, ...] = tuple(
    ok_document({"stage": {"const": name}, "network": STRING, **stage.schema})
    for name, stage in STAGES.items()
)


def explain_document(project: Project, stage: str) -> Document:
    head = {"schema": 1, "status": "ok", "stage": stage, "network": project.graph.name}
    return {**head, **STAGES[stage].document(project)}


def explain_text(document: Document) -> str:
    return STAGES[document["stage"]].text(document)
