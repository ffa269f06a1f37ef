"""Schedule + MemoryPlan → Program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from trainlib_deployer.ir.graph import Schedule
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.lowering.program import (
    Call,
    FarMove,
    Moves,
    Program,
    SlotCode,
    StepCode,
    Tiles,
    Transfer,
)
from trainlib_deployer.lowering.synchronise import Synchroniser, synchronise
from trainlib_deployer.memory.homes import Use, uses_of
from trainlib_deployer.memory.plan import LEVELS, Allocation, MemoryPlan
from trainlib_deployer.tuning.kernels import Kernel


def lower(schedule: Schedule, kernels: Mapping[str, Kernel], memory: MemoryPlan) -> Program:
    """Give every operand its address and put barriers where data crosses cores, nowhere else."""
    uses = uses_of(schedule.steps)
    coming, leaving = _far_moves(schedule, memory)
    code = [
        replace(
            _step_code(step, kernels[step.name], found, memory),
            coming=tuple(coming.get(index, ())),
            leaving=tuple(leaving.get(index, ())),
        )
        for index, (step, found) in enumerate(zip(schedule.steps, uses, strict=True))
    ]
    state = Synchroniser()
    done: list[StepCode] = []
    for first, last in schedule.parts:
        done += synchronise(code[first:last], state)
        state.barrier()
        if first > 0:
            state.landed()
    return Program(tuple(done), schedule.parts)


def _far_moves(
    schedule: Schedule, memory: MemoryPlan
) -> tuple[dict[int, list[FarMove]], dict[int, list[FarMove]]]:
    """By the Step at whose beginning, or end, they start; what is used first comes first."""
    numbers = {step.name: number for number, step in enumerate(schedule.steps)}
    coming: dict[int, list[FarMove]] = {}
    leaving: dict[int, list[FarMove]] = {}
    for copy in sorted(memory.far_copies, key=lambda c: numbers[c.place.step or ""]):
        place = copy.place
        home = memory.homes[place.tensor]
        steps = place.step or "", (place.others or (place.step or "",))[-1]
        if copy.fetched:
            tensor = copy.fetched
            transfer = Transfer(tensor, home.part(tensor), place.part(tensor))
            coming.setdefault(place.first, []).append(FarMove(transfer, steps))
        if copy.stored:
            number, tensor = copy.stored
            transfer = Transfer(tensor, place.part(tensor), home.part(tensor))
            leaving.setdefault(number, []).append(FarMove(transfer, steps))
    return coming, leaving


def _step_code(step: Step, kernel: Kernel, uses: Mapping[str, Use], memory: MemoryPlan) -> StepCode:
    tiles = _tiles(step, memory)
    near = (
        {index: slot.near for slot in tiles.slots for index in slot.slot.operands} if tiles else {}
    )
    operands = tuple(
        near.get(index) or (_at(step, o.tensor, LEVELS[0], memory) if o.tensor else None)
        for index, o in enumerate(step.operands)
    )
    moved = [use for use in uses.values() if (LEVELS[0], step.name, use.root) in memory.copies]
    ends = LEVELS[1], LEVELS[0]
    inward = tuple(_transfer(step, use.read, *ends, memory) for use in moved if use.read)
    ends = LEVELS[0], LEVELS[1]
    outward = tuple(_transfer(step, use.written, *ends, memory) for use in moved if use.written)
    fetches = (Moves(inward),) if inward else ()
    stores = (Moves(outward),) if outward else ()
    return StepCode(step, fetches, Call(step, kernel, operands), stores, tiles=tiles)


def _tiles(step: Step, memory: MemoryPlan) -> Tiles | None:
    plan = memory.tiles[step.name]
    if plan.count == 1:
        return None
    slots = []
    for number, slot in enumerate(plan.slots):
        tensor = step.operands[slot.operands[0]].tensor
        assert tensor
        far = _at(step, tensor, LEVELS[1], memory)
        slots.append(SlotCode(slot, tensor, far, memory.slots[step.name, number]))
    return Tiles(plan, tuple(slots))


def _at(step: Step, tensor: Tensor, level: str, memory: MemoryPlan) -> Allocation:
    """Where a Step finds a tensor at `level`."""
    return _place(step, tensor, level, memory).part(tensor)


def _place(step: Step, tensor: Tensor, level: str, memory: MemoryPlan) -> Allocation:
    """Where a Step finds a tensor at `level` or farther away: its copy there, or its home."""
    copy = memory.copies.get((level, step.name, tensor.root.name))
    return copy or memory.homes[tensor.root.name]


def _transfer(
    step: Step, tensor: Tensor, source: str, destination: str, memory: MemoryPlan
) -> Transfer:
    ends = (_at(step, tensor, level, memory) for level in (source, destination))
    return Transfer(tensor, *ends)
