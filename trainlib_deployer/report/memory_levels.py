"""What each memory level has, needs, and when it needs most."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from trainlib_deployer.memory.plan import Allocation, LevelUse
from trainlib_deployer.project import Project
from trainlib_deployer.report.schema import (
    BOOLEAN,
    COUNT,
    STRING,
    Document,
    Schema,
    by_level,
    nullable,
    obj,
)
from trainlib_deployer.report.text import Cell, table

LEVELS_SCHEMA: Schema = by_level(
    obj(
        {
            "capacity": COUNT,
            "reserved": COUNT,
            "used": COUNT,
            "lower_bound": COUNT,
            "proven_optimal": BOOLEAN,
            "method": STRING,
            "peak": nullable(obj({"step": STRING, "bytes": COUNT})),
        }
    )
)


def levels_document(project: Project) -> Document:
    """By level: bytes, the lower bound, and the Step at which most is alive."""
    names = [step.name for step in project.schedule.steps]
    return {
        use.level: {
            "capacity": use.capacity,
            "reserved": use.reserved,
            "used": use.used,
            "lower_bound": use.lower_bound,
            "proven_optimal": use.proven_optimal,
            "method": use.method,
            "peak": _peak(_in_level(project, use), names),
        }
        for use in project.memory.levels.values()
        if use.capacity
    }


def levels_text(document: Document) -> str:
    """The same as a table."""
    rows: list[list[Cell]] = [
        [
            level.upper(),
            use["used"],
            use["capacity"] - use["reserved"],
            use["lower_bound"],
            use["peak"]["step"] if use["peak"] else None,
        ]
        for level, use in document.items()
    ]
    return table(["level", "need", "limit", "lower bound", "peak at step"], rows)


def _in_level(project: Project, use: LevelUse) -> list[Allocation]:
    return [a for a in project.memory.allocations if a.level == use.level]


def _peak(allocations: Iterable[Allocation], names: list[str]) -> Document | None:
    change = [0] * (len(names) + 1)
    for allocation in allocations:
        change[allocation.first] += allocation.bytes
        change[allocation.last] -= allocation.bytes
    alive = list(accumulate(change))[: len(names)]
    most = max(alive, default=0)
    return {"step": names[alive.index(most)], "bytes": most} if most else None
