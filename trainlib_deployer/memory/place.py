"""Schedule → MemoryPlan: who lives when, in which level, at which offset."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.step import Step
from trainlib_deployer.memory.allocate import DEFAULT_SEARCH_NODES, allocate
from trainlib_deployer.memory.homes import Use, choose_homes, uses_of
from trainlib_deployer.memory.need import LevelsFullError, does_not_fit, tile_does_not_fit
from trainlib_deployer.memory.placed import Placed, buffers_of, home_of, memory_plan
from trainlib_deployer.memory.plan import LEVELS, MemoryPlan
from trainlib_deployer.memory.problem import Plan, Problem
from trainlib_deployer.memory.stays import Setting, Stay, plan_stays, play
from trainlib_deployer.passes.liveness import (
    Life,
    aligned_bytes,
    lifetimes,
    live_bytes,
)
from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.tiling.search import Tiler, tiler_of

# a packing may need more than is alive at once: then fewer tensors are kept near
_ATTEMPTS = 4
# of L2, for what lives there: the rest is for what comes from L3 ahead of time
_SHARES = (1.0, 0.8, 0.65, 0.5, 0.35)
# of L2, that may be alive while bytes of L3 wait there for the next Step that uses them
_HELD = (0.8, 1.0, 0.6)
# of L2, that may be alive at once if that can be helped: full everywhere, it may be hard to pack
_FILLED = (1.0, 0.95, 0.9)


@dataclass(frozen=True)
class Effort:
    """How long the allocator may search: nodes decide, seconds only guard."""

    search_nodes: int = DEFAULT_SEARCH_NODES
    time_limit_s: float | None = None


def plan_memory(graph: Graph, schedule: Schedule, device: DeviceSpec, effort: Effort) -> MemoryPlan:
    """Everything in L1 when it fits; otherwise homes in L2 and L3, and tiles in L1 for each Step.

    Raises LevelsFullError with the need, the limit and the Step at the peak of each full level.
    """
    lives = lifetimes(graph, schedule)
    steps = schedule.steps
    names = [step.name for step in steps]
    everything = {"l1": [home_of(life) for life in lives]}
    plans = _allocate(everything, device, effort)
    if plans["l1"].arena_bytes <= device.available("l1"):
        homes = {life.tensor.name: "l1" for life in lives}
        tiles = [_tiler(step, homes, device).whole() for step in steps]
        return memory_plan(everything, plans, device, names, tiles)
    if not device.available("l2"):
        problem = _problem(everything["l1"], "l1", device)
        excess = plans["l1"].arena_bytes - device.available("l1")
        raise LevelsFullError([does_not_fit("l1", problem, plans["l1"], names, device)], excess)
    _check_smallest_tiles(steps, device)
    return _spread(graph, schedule, lives, device, effort)


def _spread(
    graph: Graph, schedule: Schedule, lives: Sequence[Life], device: DeviceSpec, effort: Effort
) -> MemoryPlan:
    """Homes in several levels. What turns out too much to keep near is moved away."""
    steps = schedule.steps
    uses = uses_of(steps)
    names = [step.name for step in steps]
    wanted = [_wanted(step, device) for step in steps]
    budgets = {level: device.available(level) for level in LEVELS}
    barred: set[str] = set()
    for attempt in range(1, _ATTEMPTS + 1):
        choose = partial(
            choose_homes, lives, uses, wanted, reached={graph.output.root.name}, barred=barred
        )
        homes: Mapping[str, str] = choose(budgets)
        tiles = [
            _tiler(step, homes, device).best(room)
            for step, room in zip(
                steps, _rooms(lives, homes, len(steps), budgets, device), strict=True
            )
        ]
        stuck = {
            tensor.root.name
            for step, found in zip(steps, tiles, strict=True)
            if found is None
            for tensor in step.tensors
        }
        barred |= stuck
        found = [plan for plan in tiles if plan]
        cycles = [plan.predicted.cycles for plan in found]
        last = attempt == _ATTEMPTS - 1
        if stuck:
            budgets["l1"] = 0 if last else budgets["l1"]
            continue
        for filled in _FILLED:
            room = int(budgets["l2"] * filled)
            far = _with_stays(schedule, lives, uses, homes, choose, budgets, room, cycles)
            homes = far.homes
            placed = buffers_of(lives, uses, homes, steps, found, far.stays)
            quick = {"l2"} if far.stays and filled != _FILLED[-1] else ()
            plans = _allocate(placed, device, effort, quick)
            if not far.stays or plans["l2"].arena_bytes <= device.available("l2"):
                break
        over = {
            level: plan.arena_bytes - device.available(level)
            for level, plan in plans.items()
            if plan.arena_bytes > device.available(level)
        }
        if not over:
            plan = memory_plan(placed, plans, device, names, found)
            return replace(plan, far_wait_cycles=far.cycles - sum(cycles))
        for level, excess in over.items():
            budgets[level] = 0 if last else max(0, budgets[level] - excess * 2**attempt)
    full = [
        does_not_fit(level, _problem(placed[level], level, device), plans[level], names, device)
        for level in over
    ]
    raise LevelsFullError(full, sum(over.values()))


@dataclass(frozen=True)
class _Far:
    """Homes, and stays in L2 of what lives in L3, with which a training step takes so many
    cycles."""

    homes: Mapping[str, str]
    stays: tuple[Stay, ...] = ()
    cycles: float = 0.0


def _with_stays(
    schedule: Schedule,
    lives: Sequence[Life],
    uses: Sequence[Mapping[str, Use]],
    homes: Mapping[str, str],
    choose: Callable[[Mapping[str, int]], dict[str, str]],
    budgets: Mapping[str, int],
    room: int,
    cycles: Sequence[float],
) -> _Far:
    """With what a training step should take least; each Step takes `cycles` by itself."""
    if LEVELS[2] not in homes.values():
        return _Far(homes, cycles=sum(cycles))
    by_name = {life.tensor.name: life for life in lives}

    def tried(found: Mapping[str, str], held: float) -> _Far:
        setting = Setting(by_name, uses, cycles, schedule.parts, found)
        stays = plan_stays(setting, room, int(room * held))
        return _Far(found, stays, play(setting, stays).cycles)

    rooms = ({**budgets, LEVELS[1]: int(budgets[LEVELS[1]] * share)} for share in _SHARES)
    best = min((tried(choose(each), _HELD[0]) for each in rooms), key=lambda far: far.cycles)
    others = (tried(best.homes, held) for held in _HELD[1:])
    return min((best, *others), key=lambda far: far.cycles)


def _check_smallest_tiles(steps: Sequence[Step], device: DeviceSpec) -> None:
    """Every Step must have tiles that fit L1 when nothing else is there."""
    least = {step.name: tiler_of(step, frozenset(), device.cores).least_bytes for step in steps}
    over = max(least.values()) - device.available("l1")
    if over > 0:
        name = max(least, key=lambda step: least[step])
        raise LevelsFullError([tile_does_not_fit(name, least[name], device)], over)


def _tiler(step: Step, homes: Mapping[str, str], device: DeviceSpec) -> Tiler:
    direct = frozenset(
        index
        for index, operand in enumerate(step.operands)
        if operand.tensor and homes[operand.tensor.root.name] == LEVELS[0]
    )
    return tiler_of(step, direct, device.cores)


def _wanted(step: Step, device: DeviceSpec) -> dict[str, int]:
    """The bytes of L1 in which a Step sees each tensor, if it has L1 for itself."""
    plan = tiler_of(step, frozenset(), device.cores).best(device.available("l1"))
    assert plan
    found = {}
    for slot in plan.slots:
        tensor = step.operands[slot.operands[0]].tensor
        assert tensor
        found[tensor.root.name] = aligned_bytes(slot.bytes)
    return found


def _rooms(
    lives: Sequence[Life],
    homes: Mapping[str, str],
    steps: int,
    budgets: Mapping[str, int],
    device: DeviceSpec,
) -> list[int]:
    """What the tensors that live in L1 leave for the tiles of each Step; all where none may."""
    near = [life for life in lives if homes[life.tensor.name] == LEVELS[0]]
    room = budgets[LEVELS[0]] or device.available(LEVELS[0])
    return [room - alive for alive in live_bytes(near, steps)]


def _problem(placed: Sequence[Placed], level: str, device: DeviceSpec) -> Problem:
    return Problem(tuple(item.buffer for item in placed), device.available(level))


def _allocate(
    placed: Mapping[str, Sequence[Placed]],
    device: DeviceSpec,
    effort: Effort,
    quick: Collection[str] = (),
) -> dict[str, Plan]:
    """Levels named in `quick` without search."""
    return {
        level: _search(
            _problem(items, level, device),
            replace(effort, search_nodes=0) if level in quick else effort,
        )
        for level, items in placed.items()
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
