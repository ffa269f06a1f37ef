"""Schedule → MemoryPlan: who lives when, in which level, at which offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.memory.allocate import DEFAULT_SEARCH_NODES, allocate
from trainlib_deployer.memory.homes import Use, choose_homes, uses_of
from trainlib_deployer.memory.need import LevelsFullError, does_not_fit
from trainlib_deployer.memory.plan import LEVELS, Allocation, LevelUse, MemoryPlan
from trainlib_deployer.memory.problem import Buffer, Plan, Problem
from trainlib_deployer.passes.liveness import ALIGNMENT_BYTES, Life, aligned_bytes, lifetimes
from trainlib_deployer.spec.device import DeviceSpec

# a packing may need more than is alive at once: then fewer tensors are kept near
_ATTEMPTS = 4


@dataclass(frozen=True)
class Effort:
    """How long the allocator may search: nodes decide, seconds only guard."""

    search_nodes: int = DEFAULT_SEARCH_NODES
    time_limit_s: float | None = None


@dataclass(frozen=True)
class _Placed:
    """A buffer of a level, before it has an offset."""

    buffer: Buffer
    tensor: str
    bytes: int
    step: str | None = None
    start: int = 0


def plan_memory(graph: Graph, schedule: Schedule, device: DeviceSpec, effort: Effort) -> MemoryPlan:
    """Everything in L1 when it fits; otherwise homes in L2 and L3, and L1 copies for each Step.

    Raises LevelsFullError with the need, the limit and the Step at the peak of each full level.
    """
    lives = lifetimes(graph, schedule)
    everything = {"l1": [_home(life) for life in lives]}
    budgets = {level: device.available(level) for level in LEVELS}
    plans = _allocate(everything, device, effort)
    if plans["l1"].arena_bytes <= budgets["l1"]:
        return _plan(everything, plans, device)
    uses = uses_of(schedule.steps)
    names = [step.name for step in schedule.steps]
    for attempt in range(1, _ATTEMPTS + 1):
        homes = choose_homes(lives, uses, budgets, {graph.output.root.name})
        placed = _buffers(lives, uses, homes, names)
        plans = _allocate(placed, device, effort)
        over = {
            level: plan.arena_bytes - device.available(level)
            for level, plan in plans.items()
            if plan.arena_bytes > device.available(level)
        }
        if not over:
            return _plan(placed, plans, device)
        for level, excess in over.items():
            last = attempt == _ATTEMPTS - 1
            budgets[level] = 0 if last else max(0, budgets[level] - excess * 2**attempt)
    full = [
        does_not_fit(level, _problem(placed[level], level, device), plans[level], names, device)
        for level in over
    ]
    raise LevelsFullError(full, sum(over.values()))


def _buffers(
    lives: Sequence[Life],
    uses: Sequence[Mapping[str, Use]],
    homes: Mapping[str, str],
    steps: Sequence[str],
) -> dict[str, list[_Placed]]:
    """What each level holds: homes, and the copies of what lives farther away."""
    placed: dict[str, list[_Placed]] = {"l1": [], "l2": []}
    for life in lives:
        placed.setdefault(homes[life.tensor.name], []).append(_home(life))
    for index, found in enumerate(uses):
        for name, use in found.items():
            for level in LEVELS[: LEVELS.index(homes[name])]:
                placed[level].append(_copy(steps[index], index, use, level))
    return placed


def _home(life: Life) -> _Placed:
    tensor = life.tensor
    buffer = Buffer(
        tensor.name, life.bytes, life.first, life.last, ALIGNMENT_BYTES, tensor.kind.value
    )
    return _Placed(buffer, tensor.name, tensor.bytes)


def _copy(step: str, index: int, use: Use, level: str) -> _Placed:
    """The copy of a tensor, or of its slice, for one Step."""
    tensor = use.tensor
    name = f"{tensor.name} for {step}"
    size = aligned_bytes(tensor.bytes)
    buffer = Buffer(name, size, index, index + 1, ALIGNMENT_BYTES, tensor.kind.value)
    return _Placed(buffer, tensor.root.name, tensor.bytes, step, tensor.root_offset_bytes)


def _problem(placed: Sequence[_Placed], level: str, device: DeviceSpec) -> Problem:
    return Problem(tuple(item.buffer for item in placed), device.available(level))


def _allocate(
    placed: Mapping[str, Sequence[_Placed]], device: DeviceSpec, effort: Effort
) -> dict[str, Plan]:
    return {
        level: _search(_problem(items, level, device), effort) for level, items in placed.items()
    }


def _search(problem: Problem, effort: Effort) -> Plan:
    """No search where the bound says already that nothing fits.

    What lives all the time goes to the bottom, which costs nothing: everything else meets it.
    """
    hopeless = problem.capacity is not None and problem.lower_bound > problem.capacity
    nodes = 0 if hopeless else effort.search_nodes
    end = max((buffer.last for buffer in problem.buffers), default=0)
    fixed: dict[str, int] = {}
    floor = 0
    for buffer in problem.buffers:
        if (buffer.first, buffer.last) == (0, end):
            fixed[buffer.name] = floor
            floor += buffer.slot_bytes
    moving = tuple(buffer for buffer in problem.buffers if buffer.name not in fixed)
    capacity = None if problem.capacity is None else max(0, problem.capacity - floor)
    plan = allocate(Problem(moving, capacity), search_nodes=nodes, time_limit_s=effort.time_limit_s)
    return replace(
        plan,
        offsets=fixed | {name: floor + offset for name, offset in plan.offsets.items()},
        arena_bytes=floor + plan.arena_bytes,
        lower_bound=floor + plan.lower_bound,
    )


def _plan(
    placed: Mapping[str, Sequence[_Placed]], plans: Mapping[str, Plan], device: DeviceSpec
) -> MemoryPlan:
    allocations = tuple(
        Allocation(
            item.buffer.name,
            level,
            plans[level].offsets[item.buffer.name],
            item.bytes,
            item.buffer.first,
            item.buffer.last,
            item.buffer.kind,
            item.tensor,
            item.step,
            item.start,
        )
        for level, items in placed.items()
        for item in items
    )
    levels = {level: _use(device, level, plans.get(level)) for level in LEVELS}
    return MemoryPlan(allocations, levels)


def _use(device: DeviceSpec, level: str, plan: Plan | None) -> LevelUse:
    found = plan or Plan.empty()
    return LevelUse(
        level,
        device.capacity(level),
        device.reserved(level),
        found.arena_bytes,
        found.lower_bound,
        found.proven_optimal,
        found.method,
        found.search_nodes,
        found.time_limit_hit,
    )
