"""How far a correct f32 program may be from the exact result (design A2b)."""

from __future__ import annotations

import math

from trainlib_deployer.ir.graph import Schedule

EPSILON = {"f32": 2.0**-23}
SAFETY = 16.0


def tolerances(schedule: Schedule) -> dict[tuple[str, str], float]:
    """(step, tensor) → 16 * eps * the longest sum of sqrt(K) over the reductions up to there.

    K is the number of terms that a Step sums into an element; the error of a tensor is
    max |difference| / max |expected|.
    """
    depth: dict[str, float] = {}
    found: dict[tuple[str, str], float] = {}
    for step in schedule.steps:
        reached = max((depth.get(t.root.name, 0.0) for t in step.reads), default=0.0)
        terms = step.reduction_length * (schedule.passes if step.first_pass else 1)
        reached += math.sqrt(terms)
        for gradient in step.gradients:
            found[step.name, gradient.name] = SAFETY * EPSILON[gradient.dtype.value] * reached
        reached += 1.0 if step.gradients else 0.0  # the update behind the sum
        for tensor in step.writes:
            is_part = tensor.bytes < tensor.root.bytes
            others = depth.get(tensor.root.name, 0.0) if is_part else 0.0
            depth[tensor.root.name] = max(reached, others)
            found[step.name, tensor.name] = SAFETY * EPSILON[tensor.dtype.value] * reached
    return found
