"""Waits and barriers where data crosses cores or engines, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from trainlib_deployer.lowering.program import (
    Before,
    Call,
    FarMove,
    Moves,
    Span,
    StepCode,
    Sync,
    Tiles,
    Transfer,
)


@dataclass(frozen=True)
class _Touch:
    """What one action reads and writes; `engine` when core 0 alone starts it."""

    reads: tuple[Span, ...]
    writes: tuple[Span, ...]
    engine: bool

    def conflicts(self, other: _Touch) -> bool:
        return (
            any(a.meets(b) for a in self.writes for b in other.reads + other.writes)
            or any(a.meets(b) for a in self.reads for b in other.writes)
        )  # fmt: skip


class Synchroniser:
    """Remembers what has run since the last barrier and what of core 0 is under way."""

    def __init__(self) -> None:
        self._since_barrier: list[_Touch] = []
        self._in_flight: list[_Touch] = []
        self._far: list[_Touch] = []  # in the order in which they land

    def barrier(self) -> None:
        """All cores have met, and core 0 has waited for its transfers between L1 and L2."""
        self._since_barrier.clear()
        self._in_flight.clear()

    def landed(self) -> None:
        """Nothing is under way between L2 and L3."""
        self._far.clear()

    def before(self, touch: _Touch, *, far: bool = False) -> Before:
        newer = self._wait_far(touch)
        sync = Sync.NONE
        for earlier in self._since_barrier:
            if touch.conflicts(earlier) and not (touch.engine and earlier.engine):
                sync = Sync.BARRIER
        if sync is Sync.NONE and any(touch.conflicts(earlier) for earlier in self._in_flight):
            sync = Sync.WAIT
        if sync is Sync.BARRIER:
            self.barrier()
        elif sync is Sync.WAIT:
            self._in_flight.clear()
        if far:
            self._far.append(touch)
        else:
            self._since_barrier.append(touch)
            if touch.engine:
                self._in_flight.append(touch)
        return Before(sync, newer)

    def _wait_far(self, touch: _Touch) -> int | None:
        """How many may still be under way; they have landed for core 0, which tells the others at
        the next barrier."""
        last = max((i for i, far in enumerate(self._far) if touch.conflicts(far)), default=None)
        if last is None:
            return None
        self._since_barrier += self._far[: last + 1]
        del self._far[: last + 1]
        return len(self._far)


def synchronise(code: Sequence[StepCode], state: Synchroniser) -> tuple[StepCode, ...]:
    done = []
    for item in code:
        coming = tuple(_before_far(move, state) for move in item.coming)
        fetches = tuple(_before(moves, state) for moves in item.fetches)
        if item.tiles:
            before_call = _before_tiles(item.call, item.tiles, state)
        else:
            before_call = state.before(_call_touch(item.call))
        stores = tuple(_before(moves, state) for moves in item.stores)
        leaving = tuple(_before_far(move, state) for move in item.leaving)
        done.append(
            replace(
                item,
                coming=coming,
                fetches=fetches,
                before_call=before_call,
                stores=stores,
                leaving=leaving,
            )
        )
    return tuple(done)


def _before_tiles(call: Call, tiles: Tiles, state: Synchroniser) -> Before:
    """Before the first slices come; inside, the tiles synchronise themselves, and at the end the
    last slices are leaving."""
    leaving = [slot for slot in tiles.slots if slot.slot.writes]
    near = tuple(Span.of(slot.near) for slot in tiles.slots)
    fetched = tuple(Span.of(slot.far) for slot in tiles.slots if slot.slot.reads)
    stored = tuple(Span.of(slot.far) for slot in leaving)
    # slices leave while others come: what they meet must be over when the first one comes
    before = state.before(_Touch(fetched, near + stored, engine=True))
    state.barrier()
    state.before(_call_touch(call))
    if leaving:
        state.barrier()
        sources = tuple(Span.of(slot.near) for slot in leaving)
        state.before(_Touch(sources, stored, engine=True))
    return before


def _before(moves: Moves, state: Synchroniser) -> Moves:
    return replace(moves, before=state.before(_moves_touch(moves.transfers)))


def _before_far(move: FarMove, state: Synchroniser) -> FarMove:
    return replace(move, before=state.before(_moves_touch((move.transfer,)), far=True))


def _moves_touch(transfers: Sequence[Transfer]) -> _Touch:
    return _Touch(
        tuple(Span.of(transfer.source) for transfer in transfers),
        tuple(Span.of(transfer.destination) for transfer in transfers),
        engine=True,
    )


def _call_touch(call: Call) -> _Touch:
    pairs = [
        (operand.access, Span.of(place))
        for operand, place in zip(call.step.operands, call.operands, strict=True)
        if place is not None
    ]
    return _Touch(
        tuple(span for access, span in pairs if access.reads),
        tuple(span for access, span in pairs if access.writes),
        engine=False,
    )
