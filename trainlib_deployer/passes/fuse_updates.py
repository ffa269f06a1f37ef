"""Updates that are linear in weight and gradient happen where the gradient is made.

The weight gradient's kernel then works on the weights themselves (w = decay * w + scale * sum), so
that no weight gradient takes memory or is moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.step import Access, Phase, Rated, Step
from trainlib_deployer.passes.base import Pass

_PLAIN: dict[str, int | float] = {"accumulate": 0, "scale": 1.0}


def _run(graph: Graph, schedule: Schedule) -> tuple[Graph, Schedule]:
    """Each weight gradient with all of its updates right behind it."""
    touches = Counter(tensor.root.name for step in schedule.steps for tensor in step.tensors)
    steps: list[Step] = []
    skipped = 0
    for index, step in enumerate(schedule.steps):
        if skipped:
            skipped -= 1
            continue
        count = sum(o.tensor is not None and o.access.writes for o in step.operands)
        behind = schedule.steps[index + 1 : index + 1 + count]
        fused = _fused(step, behind, touches) if step.absorbs else None
        steps.append(fused or step)
        skipped = count if fused else 0
    return graph, replace(schedule, steps=tuple(steps))


def _fused(step: Step, updates: Sequence[Step], touches: Counter[str]) -> Step | None:
    by_gradient = {
        tensor.name: update
        for update in updates
        if update.phase is Phase.UPDATE and update.linear_update
        for tensor in update.reads
        if tensor not in update.writes
    }
    numbers: dict[str, float | Rated] = {}
    operands = list(step.operands)
    gradients = []
    scales = set()
    for index, operand in enumerate(step.operands):
        if operand.tensor is None or not operand.access.writes:
            continue
        update = by_gradient.get(operand.tensor.name)
        alone = touches[operand.tensor.root.name] == 2 and operand.access is Access.WRITE
        if update is None or update.linear_update is None or not alone:
            return None
        numbers[step.absorbs[index]] = update.linear_update.decay
        scales.add(update.linear_update.scale)
        gradients.append(operand.tensor)
        operands[index] = replace(operand, tensor=update.writes[0], access=Access.UPDATE)
    if len(scales) != 1:
        return None
    (numbers["scale"],) = scales
    rated = {name: value for name, value in numbers.items() if isinstance(value, Rated)}
    fixed = {name: value for name, value in numbers.items() if not isinstance(value, Rated)}
    return replace(
        step,
        # what follows a rate is set before each training step
        fields={**step.fields, "accumulate": 1, **fixed},
        rated=rated,
        operands=tuple(operands),
        comment=f"{step.comment}, with the update",
        gradients=tuple(gradients),
        plain=_PLAIN,
        cuts={},
    )


FUSE_UPDATES = Pass(
    "fuse_updates", "a linear update is made by the weight gradient's own kernel", _run
)
