"""Schedule + MemoryPlan → Program: transfers, kernel calls, and the barriers they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from trainlib_deployer.ir.graph import Schedule
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.memory.homes import Use, uses_of
from trainlib_deployer.memory.plan import LEVELS, Allocation, MemoryPlan
from trainlib_deployer.tiling.plan import Slot, TilePlan
from trainlib_deployer.tuning.kernels import Kernel


class Sync(Enum):
    """What must happen before an action starts."""

    NONE = "none"
    WAIT = "wait"  # core 0 waits for its own transfers
    BARRIER = "barrier"  # all cores meet, transfers done


@dataclass(frozen=True)
class Span:
    """A range of bytes of one level."""

    level: str
    first: int
    last: int

    @classmethod
    def of(cls, allocation: Allocation) -> Span:
        start = allocation.offset
        return cls(allocation.level, start, start + allocation.bytes)

    def meets(self, other: Span) -> bool:
        return self.level == other.level and self.first < other.last and other.first < self.last


@dataclass(frozen=True)
class Transfer:
    """A tensor, or a slice of one, between two levels; started by core 0."""

    tensor: Tensor
    source: Allocation
    destination: Allocation

    @property
    def bytes(self) -> int:
        return self.source.bytes


@dataclass(frozen=True)
class Call:
    """One kernel call; `operands` are where each pointer argument lies (None: NULL)."""

    step: Step
    kernel: Kernel
    operands: tuple[Allocation | None, ...]


@dataclass(frozen=True)
class Moves:
    """Transfers that are started together, and what must be synchronised before them."""

    transfers: tuple[Transfer, ...]
    before: Sync = Sync.NONE


@dataclass(frozen=True)
class SlotCode:
    """Slices of a tensor on their way between `far`, where all of it lies, and a slot's buffers.

    `tensor` is the one that `slot.operands` name first.
    """

    slot: Slot
    tensor: Tensor
    far: Allocation
    near: Allocation


@dataclass(frozen=True)
class Tiles:
    """The tiles of a Step, and the slots that core 0 fills and empties while all cores work."""

    plan: TilePlan
    slots: tuple[SlotCode, ...]


@dataclass(frozen=True)
class StepCode:
    """The code of one Step: fetch, call, store.

    `fetches` and `stores` are one group for each pair of levels: from L3 to L2, then from L2 to
    L1, and back. With `tiles` the call is one for each of them, and `before_call` is what must
    happen before the first slices are fetched.
    """

    step: Step
    fetches: tuple[Moves, ...]
    call: Call
    stores: tuple[Moves, ...]
    before_call: Sync = Sync.NONE
    tiles: Tiles | None = None

    @property
    def fetched(self) -> tuple[Transfer, ...]:
        return tuple(transfer for moves in self.fetches for transfer in moves.transfers)

    @property
    def stored(self) -> tuple[Transfer, ...]:
        return tuple(transfer for moves in self.stores for transfer in moves.transfers)


@dataclass(frozen=True)
class Program:
    """The training step as it is executed; the team meets between its `parts`, which are those of
    the Schedule."""

    code: tuple[StepCode, ...]
    parts: tuple[tuple[int, int], ...]


def lower(schedule: Schedule, kernels: Mapping[str, Kernel], memory: MemoryPlan) -> Program:
    """Give every operand its address and put barriers where data crosses cores, nowhere else."""
    uses = uses_of(schedule.steps)
    code = tuple(
        _step_code(step, kernels[step.name], found, memory)
        for step, found in zip(schedule.steps, uses, strict=True)
    )
    parts = (_synchronise(code[first:last]) for first, last in schedule.parts)
    return Program(tuple(item for part in parts for item in part), schedule.parts)


def _step_code(step: Step, kernel: Kernel, uses: Mapping[str, Use], memory: MemoryPlan) -> StepCode:
    tiles = _tiles(step, memory)
    near = (
        {index: slot.near for slot in tiles.slots for index in slot.slot.operands} if tiles else {}
    )
    operands = tuple(
        near.get(index) or (_at(step, o.tensor, LEVELS[0], memory) if o.tensor else None)
        for index, o in enumerate(step.operands)
    )
    fetches, stores = [], []
    for nearer, far in pairwise(LEVELS):
        moved = [use for use in uses.values() if (nearer, step.name, use.root) in memory.copies]
        inward = tuple(_transfer(step, use.read, far, nearer, memory) for use in moved if use.read)
        outward = tuple(
            _transfer(step, use.written, nearer, far, memory) for use in moved if use.written
        )
        fetches += [Moves(inward)] if inward else []
        stores += [Moves(outward)] if outward else []
    call = Call(step, kernel, operands)
    return StepCode(step, tuple(reversed(fetches)), call, tuple(stores), tiles=tiles)


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


class _Synchroniser:
    """Remembers what has run since the last barrier and since the last wait of core 0."""

    def __init__(self) -> None:
        self._since_barrier: list[_Touch] = []
        self._in_flight: list[_Touch] = []

    def barrier(self) -> None:
        """All cores have met, and core 0 has waited for its transfers."""
        self._since_barrier.clear()
        self._in_flight.clear()

    def before(self, touch: _Touch) -> Sync:
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
        self._since_barrier.append(touch)
        if touch.engine:
            self._in_flight.append(touch)
        return sync


def _synchronise(code: tuple[StepCode, ...]) -> tuple[StepCode, ...]:
    state = _Synchroniser()
    done = []
    for item in code:
        fetches = tuple(_before(moves, state) for moves in item.fetches)
        if item.tiles:
            before_call = _before_tiles(item.call, item.tiles, state)
        else:
            before_call = state.before(_call_touch(item.call))
        stores = tuple(_before(moves, state) for moves in item.stores)
        done.append(replace(item, fetches=fetches, before_call=before_call, stores=stores))
    return tuple(done)


def _before_tiles(call: Call, tiles: Tiles, state: _Synchroniser) -> Sync:
    """Before the first slices come; inside, the tiles synchronise themselves, and at the end the
    last slices are leaving."""
    near = tuple(Span.of(slot.near) for slot in tiles.slots)
    fetched = tuple(Span.of(slot.far) for slot in tiles.slots if slot.slot.reads)
    sync = state.before(_Touch(fetched, near, engine=True))
    state.barrier()
    state.before(_call_touch(call))
    leaving = [slot for slot in tiles.slots if slot.slot.writes]
    if leaving:
        state.barrier()
        sources = tuple(Span.of(slot.near) for slot in leaving)
        state.before(_Touch(sources, tuple(Span.of(slot.far) for slot in leaving), engine=True))
    return sync


def _before(moves: Moves, state: _Synchroniser) -> Moves:
    touch = _Touch(
        tuple(Span.of(transfer.source) for transfer in moves.transfers),
        tuple(Span.of(transfer.destination) for transfer in moves.transfers),
        engine=True,
    )
    return replace(moves, before=state.before(touch))


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
