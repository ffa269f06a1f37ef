"""Backward reads what is kept anyway: relu's output in place of its input."""

from __future__ import annotations

from dataclasses import replace

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.step import Step
from trainlib_deployer.passes.base import Pass


def _run(graph: Graph, schedule: Schedule) -> tuple[Graph, Schedule]:
    return graph, replace(schedule, steps=tuple(_rewritten(step) for step in schedule.steps))


def _rewritten(step: Step) -> Step:
    operands = list(step.operands)
    for index, tensor in step.instead:
        operands[index] = replace(operands[index], tensor=tensor)
    return replace(step, operands=tuple(operands), instead=())


SAVED_OUTPUTS = Pass(
    "saved_outputs", "backward of relu and friends reads their output, not their input", _run
)
