"""Is a plan right? Looked at pair by pair, sharing nothing with the allocator but the data."""

from __future__ import annotations

import numpy as np

from trainlib_deployer.memory.plan import MemoryPlan
from trainlib_deployer.memory.problem import Buffer, Plan, Problem
from trainlib_deployer.passes.liveness import ALIGNMENT_BYTES


def check_plan(problem: Problem, plan: Plan) -> list[str]:
    """Everything that is wrong with a plan, in words; empty when it is right.

    A plan may exceed the problem's capacity only if its owner refuses it: that is found here too.
    """
    wrong = _names(problem, plan)
    if wrong:
        return wrong
    for b in problem.buffers:
        offset = plan.offsets[b.name]
        if offset < 0:
            wrong.append(f"buffer {b.name!r} lies at the negative offset {offset}")
        if offset % b.alignment:
            wrong.append(f"buffer {b.name!r} at {offset} is not aligned to {b.alignment} bytes")
        if offset + b.size > plan.arena_bytes:
            wrong.append(
                f"buffer {b.name!r} ends at {offset + b.size}, beyond the arena of"
                f" {plan.arena_bytes} bytes"
            )
    return wrong + _overlaps(problem, plan) + _sums(problem, plan)


def check_memory(memory: MemoryPlan) -> list[str]:
    """The same for all levels of a network's plan, from what was emitted alone."""
    wrong = []
    for use in memory.levels.values():
        here = [a for a in memory.allocations if a.level == use.level]
        buffers = tuple(Buffer(a.name, a.bytes, a.first, a.last, ALIGNMENT_BYTES) for a in here)
        offsets = {a.name: a.offset for a in here}
        plan = Plan(offsets, use.used, use.lower_bound, use.proven_optimal, use.method)
        found = check_plan(Problem(buffers, use.available), plan)
        wrong += [f"{use.level}: {text}" for text in found]
    return wrong


def _names(problem: Problem, plan: Plan) -> list[str]:
    known = [b.name for b in problem.buffers]
    missing = [f"buffer {name!r} has no offset" for name in known if name not in plan.offsets]
    unknown = set(plan.offsets) - set(known)
    return missing + [f"no buffer is called {name!r}" for name in sorted(unknown)]


def _overlaps(problem: Problem, plan: Plan) -> list[str]:
    """Every pair that shares a byte at some time."""
    # an empty buffer covers no byte
    solid = [b for b in problem.buffers if b.size > 0]
    first = np.array([b.first for b in solid], np.int64)
    last = np.array([b.last for b in solid], np.int64)
    low = np.array([plan.offsets[b.name] for b in solid], np.int64)
    high = low + np.array([b.size for b in solid], np.int64)
    found = []
    for i, b in enumerate(solid):
        both = slice(i + 1, None)
        in_time = (first[both] < last[i]) & (first[i] < last[both])
        in_space = (low[both] < high[i]) & (low[i] < high[both])
        for j in np.flatnonzero(in_time & in_space) + i + 1:
            found.append(
                f"buffers {b.name!r} and {solid[j].name!r} overlap: both hold byte"
                f" {max(low[i], low[j])} at time {max(first[i], first[j])}"
            )
    return found


def _sums(problem: Problem, plan: Plan) -> list[str]:
    """The arena's size against the buffers, the bound and the capacity."""
    found = []

    def rounded(size: int, alignment: int) -> int:
        return (size + alignment - 1) // alignment * alignment

    top = max(
        (plan.offsets[b.name] + rounded(b.size, b.alignment) for b in problem.buffers if b.size),
        default=0,
    )
    if plan.arena_bytes != top:
        found.append(f"the arena is said to take {plan.arena_bytes} bytes, its top is at {top}")
    first = np.array([b.first for b in problem.buffers], np.int64)
    last = np.array([b.last for b in problem.buffers], np.int64)
    sizes = np.array([rounded(b.size, b.alignment) for b in problem.buffers], np.int64)
    live = max((int(sizes[(first <= time) & (time < last)].sum()) for time in first), default=0)
    if plan.lower_bound < live:
        found.append(f"{live} bytes are alive at one time, the lower bound is {plan.lower_bound}")
    if plan.lower_bound > plan.arena_bytes:
        found.append(
            f"the lower bound {plan.lower_bound} is above the arena of {plan.arena_bytes} bytes"
        )
    if plan.proven_optimal and plan.lower_bound != plan.arena_bytes:
        found.append(
            f"said to be proven smallest, but the lower bound is {plan.lower_bound} and the arena"
            f" {plan.arena_bytes} bytes"
        )
    if problem.capacity is not None and plan.arena_bytes > problem.capacity:
        found.append(
            f"the arena takes {plan.arena_bytes} bytes, the capacity is {problem.capacity}"
        )
    return found
