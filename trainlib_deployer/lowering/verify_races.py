"""Finds two actions that touch the same bytes with nothing between them that puts them in order.

There are three who act: all cores together, core 0's transfers between L1 and L2, and its transfers
between L2 and L3, which are under way over many Steps. Shares nothing with what placed the waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from trainlib_deployer.errors import PlanError
from trainlib_deployer.lowering.program import (
    Before,
    FarMove,
    Moves,
    Program,
    StepCode,
    Sync,
    Transfer,
)
from trainlib_deployer.memory.plan import Allocation


class _Actor(Enum):
    CORES = "the cores"
    NEAR = "a transfer between L1 and L2"
    FAR = "a transfer between L2 and L3"


@dataclass(frozen=True)
class _Action:
    step: str
    actor: _Actor
    before: Before
    reads: list[Allocation]
    writes: list[Allocation]

    def meets(self, other: _Action) -> bool:
        """Whether one writes what the other touches."""
        return _meet(self.writes, other.reads + other.writes) or _meet(self.reads, other.writes)


@dataclass
class _Watch:
    """What may still be going on: since the last barrier, and of core 0's transfers."""

    epoch: list[_Action] = field(default_factory=list)
    near: list[_Action] = field(default_factory=list)
    far: list[_Action] = field(default_factory=list)

    def meeting(self) -> None:
        """All cores meet, and what moves between L1 and L2 has landed."""
        self.epoch.clear()
        self.near.clear()

    def see(self, action: _Action) -> None:
        if action.before.newer is not None:
            landed = max(0, len(self.far) - action.before.newer)
            # only core 0 knows, until the cores meet
            self.epoch += self.far[:landed]
            del self.far[:landed]
        if action.before.sync is Sync.BARRIER:
            self.meeting()
        elif action.before.sync is Sync.WAIT:
            self.near.clear()
        self._look(action)
        if action.actor is _Actor.FAR:
            self.far.append(action)
            return
        self.epoch.append(action)
        if action.actor is _Actor.NEAR:
            self.near.append(action)

    def _look(self, action: _Action) -> None:
        by_core_0 = action.actor is not _Actor.CORES
        for other in self.epoch:
            if not (by_core_0 and other.actor is not _Actor.CORES) and action.meets(other):
                raise PlanError(f"no barrier between {other.step} and {action.step}")
        for other in (*self.near, *self.far):
            if action.meets(other):
                raise PlanError(
                    f"{action.step}: {action.actor.value} touches what {other.actor.value} of"
                    f" {other.step} is moving"
                )


def verify_races(program: Program) -> None:
    """Raise PlanError where an order is missing. The parts have a meeting between them; what moves
    between L2 and L3 may go on over the first one."""
    watch = _Watch()
    for first, last in program.parts:
        for code in program.code[first:last]:
            for action in _actions(code):
                watch.see(action)
        watch.meeting()
        if first > 0:
            watch.far.clear()


def _actions(code: StepCode) -> Iterator[_Action]:
    step = code.step.name
    for far in code.coming:
        yield _far(step, far)
    for moves in code.fetches:
        yield _near(step, moves)
    if code.tiles:
        yield from _tiles(code)
    else:
        yield _call(code, code.before_call)
    for moves in code.stores:
        yield _near(step, moves)
    for far in code.leaving:
        yield _far(step, far)


def _far(step: str, move: FarMove) -> _Action:
    return _Action(step, _Actor.FAR, move.before, *_ends([move.transfer]))


def _near(step: str, moves: Moves) -> _Action:
    return _Action(step, _Actor.NEAR, moves.before, *_ends(moves.transfers))


def _ends(transfers: Iterable[Transfer]) -> tuple[list[Allocation], list[Allocation]]:
    moved = list(transfers)
    return [one.source for one in moved], [one.destination for one in moved]


def _call(code: StepCode, before: Before) -> _Action:
    calls = list(zip(code.step.operands, code.call.operands, strict=True))
    reads = [place for operand, place in calls if place and operand.access.reads]
    writes = [place for operand, place in calls if place and operand.access.writes]
    return _Action(code.step.name, _Actor.CORES, before, reads, writes)


def _tiles(code: StepCode) -> Iterator[_Action]:
    """Slices come and go; the cores meet and work; they meet again before the last ones go."""
    assert code.tiles
    slots, step, meeting = code.tiles.slots, code.step.name, Before(Sync.BARRIER)
    fetched = [slot.far for slot in slots if slot.slot.reads]
    leaving = [slot for slot in slots if slot.slot.writes]
    near, stored = [slot.near for slot in slots], [slot.far for slot in leaving]
    yield _Action(step, _Actor.NEAR, code.before_call, fetched, near + stored)
    yield _call(code, meeting)
    if leaving:
        yield _Action(step, _Actor.NEAR, meeting, [slot.near for slot in leaving], stored)


def _meet(some: list[Allocation], others: list[Allocation]) -> bool:
    return any(
        a.level == b.level and a.offset < b.offset + b.bytes and b.offset < a.offset + a.bytes
        for a in some
        for b in others
    )
