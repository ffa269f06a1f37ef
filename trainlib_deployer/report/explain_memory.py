"""`explain --stage memory`: every buffer, where it lies and when it lives."""

from __future__ import annotations

from dataclasses import asdict

from trainlib_deployer.pipeline import remat_frontier
from trainlib_deployer.project import Project
from trainlib_deployer.report.batching import BATCHING_SCHEMA, batching_document, batching_text
from trainlib_deployer.report.memory_levels import LEVELS_SCHEMA, levels_document, levels_text
from trainlib_deployer.report.optimizer_cost import (
    OPTIMIZER_SCHEMA,
    optimizer_document,
    optimizer_text,
)
from trainlib_deployer.report.savings import SAVINGS_SCHEMA, savings_document, savings_text
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
    "passes": SAVINGS_SCHEMA,
    "optimizer": OPTIMIZER_SCHEMA,
    "batching": BATCHING_SCHEMA,
    "frontier": array(obj({"bytes": COUNT, "extra_macs": COUNT, "dropped": array(STRING)})),
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
                "start": COUNT,
                "slot": nullable(COUNT),
                "others": array(STRING),
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
        "passes": savings_document(project),
        "optimizer": optimizer_document(project.graph),
        "batching": batching_document(project),
        "frontier": _frontier(project),
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
    parts = [levels_text(found["levels"]), table(head, rows), savings_text(found["passes"])]
    if found["batching"]:
        parts.append(batching_text(found["batching"]))
    if found["optimizer"]:
        parts.append(optimizer_text(found["optimizer"]))
    if len(found["frontier"]) > 1:
        parts.append(_frontier_text(found["frontier"]))
    return "\n\n".join(parts)


def _frontier(project: Project) -> list[Document]:
    """What dropping activations would give; the peak is that of all levels together."""
    return [
        {"bytes": point.peak, "extra_macs": point.extra_macs, "dropped": list(point.dropped)}
        for point in remat_frontier(project)
    ]


def _frontier_text(points: list[Document]) -> str:
    rows: list[list[Cell]] = [
        [point["bytes"], point["extra_macs"], ", ".join(point["dropped"]) or "nothing"]
        for point in points
    ]
    return table(["peak with --remat", "extra MAC", "dropped and made again"], rows)
