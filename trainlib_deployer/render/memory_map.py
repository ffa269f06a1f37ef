"""What the memory maps of a project and of a CSV's plan show."""

from __future__ import annotations

from pathlib import Path

from trainlib_deployer.errors import SpecError
from trainlib_deployer.memory.picture import Box, MemoryMap, picture_svg
from trainlib_deployer.memory.plan import LevelUse
from trainlib_deployer.memory.problem import Plan, Problem
from trainlib_deployer.project import Project


def project_picture(project: Project) -> str:
    """One map a level that holds something; its columns are the Steps."""
    uses = [use for use in project.memory.levels.values() if use.used]
    steps = len(project.schedule.steps)
    title = f"{project.graph.name}: memory of one training step, {steps:,} Steps"
    return picture_svg(title, [_level(project, use) for use in uses])


def plan_picture(title: str, problem: Problem, plan: Plan) -> str:
    """One map; its columns are the times at which a buffer's life begins or ends."""
    times = sorted({time for b in problem.buffers for time in (b.first, b.last)})
    column = {time: index for index, time in enumerate(times)}
    boxes = [
        Box(b.name, plan.offsets[b.name], b.size, column[b.first], column[b.last], b.kind)
        for b in problem.buffers
    ]
    names = [str(time) for time in times[:-1]]
    arena, bound = plan.arena_bytes, plan.lower_bound
    found = MemoryMap("arena", names, boxes, arena, bound, problem.capacity)
    return picture_svg(title, [found])


def write_picture(path: Path, picture: str) -> None:
    try:
        path.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise SpecError(f"cannot write {path}: {error.strerror}.") from error


def _level(project: Project, use: LevelUse) -> MemoryMap:
    boxes = [
        Box(a.name, a.offset, a.bytes, a.first, a.last, a.kind)
        for a in project.memory.allocations
        if a.level == use.level
    ]
    names = [step.name for step in project.schedule.steps]
    bound, limit = use.lower_bound, use.available
    return MemoryMap(use.level.upper(), names, boxes, use.used, bound, limit)
