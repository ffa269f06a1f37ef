"""The memory plan of a training step: what lies where, when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Allocation:
    """One buffer: `bytes` at `offset` of `level`, alive over the Steps [first, last).

    `tensor` is the tensor whose memory it is; `step` is set for an L1 copy that serves one Step.
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

    @property
    def available(self) -> int:
        return self.capacity - self.reserved


@dataclass(frozen=True)
class MemoryPlan:
    """All buffers, and the level where tensors live between Steps."""

    home: str
    allocations: tuple[Allocation, ...]
    levels: Mapping[str, LevelUse]

    @cached_property
    def homes(self) -> Mapping[str, Allocation]:
        """The allocation of each tensor that owns memory, by the tensor's name."""
        return {a.tensor: a for a in self.allocations if a.step is None}

    @cached_property
    def staged(self) -> Mapping[tuple[str, str], Allocation]:
        """The L1 copies: (step, tensor) → allocation; empty where tensors live in L1."""
        return {(a.step, a.tensor): a for a in self.allocations if a.step is not None}
