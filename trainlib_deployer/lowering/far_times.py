"""What each Step waits for L3, now that it is known who waits for what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from trainlib_deployer.lowering.program import Before, FarMove, Program, StepCode
from trainlib_deployer.memory.plan import MemoryPlan
from trainlib_deployer.tiling.cost import far_cycles
from trainlib_deployer.tiling.far_engine import FarEngine


def with_far_times(program: Program, memory: MemoryPlan) -> MemoryPlan:
    """The plan with the waiting in its Steps' predicted cycles; a part's last one waits for all."""
    engine = FarEngine()
    tiles = dict(memory.tiles)
    now = 0.0
    ends = {last - 1 for first, last in program.parts if first > 0}
    for index, code in enumerate(program.code):
        begin, plan = now, tiles[code.step.name]
        near = plan.predicted
        for move in code.coming:
            now = _start(engine, now, move)
        for before in _inside(code):
            now = _wait(engine, now, before)
        now += near.cycles
        for move in code.leaving:
            now = _start(engine, now, move)
        if index in ends:
            now = max(now, engine.landed(engine.started))
        added = now - begin - near.cycles
        predicted = replace(
            near,
            cycles=near.cycles + added,
            transfer_cycles=near.transfer_cycles + added,
        )
        tiles[code.step.name] = replace(plan, predicted=predicted)
    return replace(memory, tiles=tiles)


def _inside(code: StepCode) -> Iterator[Before]:
    """What the Step waits for before its own work; what it stores is there long before."""
    yield from (moves.before for moves in (*code.fetches, *code.stores))
    yield code.before_call


def _start(engine: FarEngine, now: float, move: FarMove) -> float:
    transfer = move.transfer
    cycles = far_cycles(transfer.bytes, writes=transfer.destination.level == "l3")
    return engine.start(_wait(engine, now, move.before), cycles)


def _wait(engine: FarEngine, now: float, before: Before) -> float:
    if before.newer is None:
        return now
    return max(now, engine.landed(engine.started - before.newer))
