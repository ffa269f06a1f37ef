"""How far a correct f32 program may be from the exact result (design A2b)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from trainlib_deployer.ir.graph import Schedule
from trainlib_deployer.ir.step import Phase, Step

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
        reached = _reached(step, depth, schedule.passes)
        for gradient in step.gradients:
            found[step.name, gradient.name] = SAFETY * EPSILON[gradient.dtype.value] * reached
        reached += 1.0 if step.gradients else 0.0  # the update behind the sum
        for tensor in step.writes:
            is_part = tensor.bytes < tensor.root.bytes
            others = depth.get(tensor.root.name, 0.0) if is_part else 0.0
            depth[tensor.root.name] = max(reached, others)
            found[step.name, tensor.name] = SAFETY * EPSILON[tensor.dtype.value] * reached
    return found


def _reached(step: Step, depth: Mapping[str, float], passes: int) -> float:
    terms = step.reduction_length * (passes if step.first_pass else 1)
    reads = [t.root.name for t in step.reads]
    if step.samples is None or step.phase is not Phase.WG:
        return max((depth.get(name, 0.0) for name in reads), default=0.0) + math.sqrt(terms)
    # one sum over all samples: each part goes on where the one before it has ended
    sums = [t.root.name for t in step.writes]
    terms = terms * step.samples.whole // step.samples.count
    before = max(depth.get(name, 0.0) for name in reads if name not in sums)
    return max(before + math.sqrt(terms), *(depth.get(name, 0.0) for name in sums))
