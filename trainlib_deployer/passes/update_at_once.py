"""Each update as early as it may, so that gradients die at once and share memory."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.step import Phase, Step
from trainlib_deployer.passes.base import Pass


def _run(graph: Graph, schedule: Schedule) -> tuple[Graph, Schedule]:
    """Each update right behind the last Step that makes its gradient or reads the old weights, and
    behind what other Steps of updates make for it."""
    if schedule.update_steps:
        return graph, schedule
    last_touch: dict[str, int] = {}
    for index, step in enumerate(schedule.steps):
        if step.phase is not Phase.UPDATE:
            last_touch.update((tensor.root.name, index) for tensor in step.tensors)
    behind: dict[int, list[Step]] = defaultdict(list)
    for step in schedule.steps:
        if step.phase is Phase.UPDATE:
            # nothing but updates touches their state
            at = max(last_touch.get(tensor.root.name, 0) for tensor in step.tensors)
            behind[at].append(step)
            for tensor in step.writes:
                last_touch[tensor.root.name] = max(at, last_touch.get(tensor.root.name, 0))
    steps: list[Step] = []
    for index, step in enumerate(schedule.steps):
        if step.phase is not Phase.UPDATE:
            steps += [step, *behind[index]]
    return graph, replace(schedule, steps=tuple(steps))


UPDATE_AT_ONCE = Pass(
    "update_at_once", "apply each update right behind its gradient, not at the end", _run
)
