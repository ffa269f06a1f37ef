"""The training step as it is executed: transfers, kernel calls, and the barriers they need."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.memory.plan import Allocation
from trainlib_deployer.tiling.plan import Slot, TilePlan
from trainlib_deployer.tuning.kernels import Kernel


class Sync(Enum):
    """What must happen before an action starts; transfers are those between L1 and L2."""

    NONE = "none"
    WAIT = "wait"  # core 0 waits for its own transfers
    BARRIER = "barrier"  # all cores meet, transfers done


@dataclass(frozen=True)
class Before:
    """What must happen before an action: first core 0 waits for all transfers of L3 that it has
    started but the `newer` newest (None: for none), then `sync`."""

    sync: Sync = Sync.NONE
    newer: int | None = None


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
    before: Before = Before()


@dataclass(frozen=True)
class FarMove:
    """A transfer between L2 and L3, started long before it is waited for; `steps`: of those that
    work on it in L2, the first and the last."""

    transfer: Transfer
    steps: tuple[str, str]
    before: Before = Before()


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

    `fetches` and `stores` are between L2 and L1. With `tiles` the call is one for each of them, and
    `before_call` is what must happen before the first slices are fetched. `coming` starts before
    all that, for this Step or later ones; `leaving` when it is over.
    """

    step: Step
    fetches: tuple[Moves, ...]
    call: Call
    stores: tuple[Moves, ...]
    before_call: Before = Before()
    tiles: Tiles | None = None
    coming: tuple[FarMove, ...] = ()
    leaving: tuple[FarMove, ...] = ()

    @property
    def fetched(self) -> tuple[Transfer, ...]:
        return tuple(transfer for moves in self.fetches for transfer in moves.transfers)

    @property
    def stored(self) -> tuple[Transfer, ...]:
        return tuple(transfer for moves in self.stores for transfer in moves.transfers)


@dataclass(frozen=True)
class Program:
    """The training step as it is executed; the team meets between its `parts`, which are those of
    the Schedule. At the end of each but the first, all that moves between L2 and L3 has landed."""

    code: tuple[StepCode, ...]
    parts: tuple[tuple[int, int], ...]
