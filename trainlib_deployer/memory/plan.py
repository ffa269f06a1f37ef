"""The memory plan of a training step: what lies where, when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.tiling.plan import TilePlan

LEVELS = ("l1", "l2", "l3")  # nearest first


@dataclass(frozen=True)
class Allocation:
    """One buffer: `bytes` at `offset` of `level`, alive over the Steps [first, last).

    `tensor` is the tensor that it holds, from its byte `start` on; `step` is set for a copy, in L1
    or on the way to it, that serves this Step, and `others` after it. `slot`: it holds slices of
    the tensor, one tile's after the other, and is the Step's slot of that number.
    """

    name: str
    level: str
    offset: int
    bytes: int
    first: int
    last: int
    kind: str
    tensor: str
    step: str | None = None
    start: int = 0
    slot: int | None = None
    others: tuple[str, ...] = ()

    def part(self, tensor: Tensor) -> Allocation:
        """Where `tensor`, the one held or a view into it, lies."""
        inside = tensor.root_offset_bytes - self.start
        return replace(
            self, offset=self.offset + inside, bytes=tensor.bytes, start=tensor.root_offset_bytes
        )


@dataclass(frozen=True)
class LevelUse:
    """What one level has and what the plan takes of it, in bytes."""

    level: str
    capacity: int
    reserved: int
    used: int
    lower_bound: int
    proven_optimal: bool
    method: str
    search_nodes: int
    time_limit_hit: bool = False

    @property
    def available(self) -> int:
        return self.capacity - self.reserved


@dataclass(frozen=True)
class FarCopy:
    """What of L3 is at `place` in L2 while Steps work on it.

    `fetched`: the tensor that starts to come when Step `place.first` begins; `stored`: the one that
    starts to go back when the Step of that number ends.
    """

    place: Allocation
    fetched: Tensor | None
    stored: tuple[int, Tensor] | None


@dataclass(frozen=True)
class MemoryPlan:
    """All buffers, what they take of each level, the tiles of each Step, by its name, what moves
    between L2 and L3, and how many cycles the Steps should wait for that."""

    allocations: tuple[Allocation, ...]
    levels: Mapping[str, LevelUse]
    tiles: Mapping[str, TilePlan]
    far_copies: tuple[FarCopy, ...] = ()
    far_wait_cycles: float = 0.0

    @property
    def home(self) -> str:
        """The farthest level in which a tensor lives between Steps."""
        return max((place.level for place in self.homes.values()), key=LEVELS.index)

    @cached_property
    def homes(self) -> Mapping[str, Allocation]:
        """The allocation of each tensor that owns memory, by the tensor's name."""
        return {a.tensor: a for a in self.allocations if a.step is None}

    @cached_property
    def copies(self) -> Mapping[tuple[str, str, str], Allocation]:
        """The copies that serve a Step: (level, step, tensor) → allocation."""
        return {
            (a.level, step, a.tensor): a
            for a in self.allocations
            if a.step is not None and a.slot is None
            for step in (a.step, *a.others)
        }

    @cached_property
    def slots(self) -> Mapping[tuple[str, int], Allocation]:
        """The slots of tiled Steps: (step, number) → allocation."""
        return {
            (a.step, a.slot): a
            for a in self.allocations
            if a.step is not None and a.slot is not None
        }
