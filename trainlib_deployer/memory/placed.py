"""What each level holds as buffers of the allocator, and what it finds as a MemoryPlan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.memory.homes import Use
from trainlib_deployer.memory.plan import LEVELS, Allocation, FarCopy, LevelUse, MemoryPlan
from trainlib_deployer.memory.problem import Buffer, Plan
from trainlib_deployer.memory.stays import Stay
from trainlib_deployer.passes.liveness import ALIGNMENT_BYTES, Life, aligned_bytes
from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.tiling.plan import TilePlan


@dataclass(frozen=True)
class Placed:
    """A buffer of a level, before it has an offset."""

    buffer: Buffer
    tensor: str
    bytes: int
    step: str | None = None
    start: int = 0
    slot: int | None = None
    stay: Stay | None = None


def buffers_of(
    lives: Sequence[Life],
    uses: Sequence[Mapping[str, Use]],
    homes: Mapping[str, str],
    steps: Sequence[Step],
    tiles: Sequence[TilePlan],
    stays: Sequence[Stay],
) -> dict[str, list[Placed]]:
    """What each level holds: homes, and the copies and tiles of what lives farther away."""
    placed: dict[str, list[Placed]] = {"l1": [], "l2": []}
    for life in lives:
        placed.setdefault(homes[life.tensor.name], []).append(home_of(life))
    placed[LEVELS[1]] += [_stay(steps[stay.used].name, stay) for stay in stays]
    for index, (step, found, plan) in enumerate(zip(steps, uses, tiles, strict=True)):
        for name, use in found.items():
            if homes[name] != LEVELS[0] and plan.count == 1:
                placed[LEVELS[0]].append(_copy(step.name, index, use))
        if plan.count > 1:
            placed[LEVELS[0]] += _slots(step, index, plan)
    return placed


def _slots(step: Step, index: int, plan: TilePlan) -> Iterator[Placed]:
    """The buffers of a tiled Step."""
    for number, slot in enumerate(plan.slots):
        tensor = step.operands[slot.operands[0]].tensor
        assert tensor
        name = f"{tensor.name} in tiles for {step.name}"
        size = aligned_bytes(slot.bytes)
        buffer = Buffer(name, size, index, index + 1, ALIGNMENT_BYTES, tensor.kind.value)
        yield Placed(buffer, tensor.root.name, slot.bytes, step.name, slot=number)


def home_of(life: Life) -> Placed:
    tensor = life.tensor
    buffer = Buffer(
        tensor.name, life.bytes, life.first, life.last, ALIGNMENT_BYTES, tensor.kind.value
    )
    return Placed(buffer, tensor.name, tensor.bytes)


def _copy(step: str, index: int, use: Use) -> Placed:
    """The copy of a tensor, or of its slice, in L1 for one Step."""
    return _copied(step, use.tensor, index, index + 1)


def _stay(step: str, stay: Stay) -> Placed:
    return replace(_copied(step, stay.tensor, stay.first, stay.last), stay=stay)


def _copied(step: str, tensor: Tensor, first: int, last: int) -> Placed:
    name = f"{tensor.name} for {step}"
    size = aligned_bytes(tensor.bytes)
    buffer = Buffer(name, size, first, last, ALIGNMENT_BYTES, tensor.kind.value)
    return Placed(buffer, tensor.root.name, tensor.bytes, step, tensor.root_offset_bytes)


def memory_plan(
    placed: Mapping[str, Sequence[Placed]],
    plans: Mapping[str, Plan],
    device: DeviceSpec,
    steps: Sequence[str],
    tiles: Sequence[TilePlan],
) -> MemoryPlan:
    allocations = []
    far_copies = []
    for level, items in placed.items():
        for item in items:
            place = _allocation(item, level, plans[level].offsets[item.buffer.name], steps)
            allocations.append(place)
            if item.stay:
                far_copies.append(_far_copy(place, item.stay))
    levels = {level: _use(device, level, plans.get(level)) for level in LEVELS}
    named = dict(zip(steps, tiles, strict=True))
    return MemoryPlan(tuple(allocations), levels, named, tuple(far_copies))


def _allocation(item: Placed, level: str, offset: int, steps: Sequence[str]) -> Allocation:
    buffer = item.buffer
    return Allocation(
        buffer.name,
        level,
        offset,
        item.bytes,
        buffer.first,
        buffer.last,
        buffer.kind,
        item.tensor,
        item.step,
        item.start,
        item.slot,
        tuple(steps[index] for index in item.stay.uses)[1:] if item.stay else (),
    )


def _far_copy(place: Allocation, stay: Stay) -> FarCopy:
    stored = (stay.stored, stay.made) if stay.stored is not None and stay.made else None
    return FarCopy(place, stay.fetched, stored)


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
