"""The static memory allocation problem and its plan, as frozen data.

A buffer lives over the half-open span of times [first, last) and takes one slot of memory all that
time: its size rounded up to its alignment, at an offset that is a multiple of the alignment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from trainlib_deployer.errors import Diagnostics
from trainlib_deployer.spec.sizes import MAX_BYTES

MAX_TIME = 1 << 40


@dataclass(frozen=True)
class Buffer:
    """`size` bytes, alive over [first, last); `kind` is a free word for pictures and reports."""

    name: str
    size: int
    first: int
    last: int
    alignment: int = 1
    kind: str = ""

    @property
    def slot_bytes(self) -> int:
        """What the buffer takes in the arena: its size rounded up to its alignment."""
        return -(-self.size // self.alignment) * self.alignment

    def meets(self, other: Buffer) -> bool:
        """Whether both are alive at some time."""
        return self.first < other.last and other.first < self.last

    def faults(self) -> tuple[str, ...]:
        """What is wrong with these numbers, in words; empty when nothing is."""
        found = []
        if self.size < 0:
            found.append(f"size {self.size} is negative")
        if self.size > MAX_BYTES:
            found.append(f"size {self.size} is beyond the limit of 2^40 bytes")
        if not 0 <= self.first < self.last <= MAX_TIME:
            found.append(f"lifetime [{self.first}, {self.last}) must be 0 <= lower < upper <= 2^40")
        if not 1 <= self.alignment <= MAX_BYTES:
            found.append(f"alignment {self.alignment} must be from 1 to 2^40")
        return tuple(found)


@dataclass(frozen=True)
class Problem:
    """Buffers to place in one arena; `capacity` is the most it may take, None is no limit.

    A capacity of 0 is a level that the device does not have: nothing fits it. Raises SpecError,
    with everything that is wrong, when the buffers make no sense.
    """

    buffers: tuple[Buffer, ...]
    capacity: int | None = None

    def __post_init__(self) -> None:
        wrong = Diagnostics()
        seen: set[str] = set()
        for buffer in self.buffers:
            for fault in buffer.faults():
                wrong.add(f"buffer {buffer.name!r}: {fault}.")
            if buffer.name in seen:
                wrong.add(f"buffer {buffer.name!r} is given twice.", hint="Names must be unique.")
            seen.add(buffer.name)
        wrong.raise_if_any()

    @cached_property
    def lower_bound(self) -> int:
        """The most slot bytes alive at one time: no arena can be smaller."""
        changes: dict[int, int] = {}
        for buffer in self.buffers:
            changes[buffer.first] = changes.get(buffer.first, 0) + buffer.slot_bytes
            changes[buffer.last] = changes.get(buffer.last, 0) - buffer.slot_bytes
        live = most = 0
        for time in sorted(changes):
            live += changes[time]
            most = max(most, live)
        return most


@dataclass(frozen=True)
class Plan:
    """Where each buffer lies, and how good that is.

    `lower_bound` is the problem's, or more where the search went through everything below that;
    `proven_optimal` says that the arena equals it: no smaller one exists.
    `search_nodes` is the effort spent; `time_limit_hit` says that the clock, not the effort, ended
    the search, so that another machine may plan differently.
    """

    offsets: Mapping[str, int]
    arena_bytes: int
    lower_bound: int
    proven_optimal: bool
    method: str
    search_nodes: int = 0
    time_limit_hit: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "offsets", MappingProxyType(dict(self.offsets)))

    @classmethod
    def empty(cls) -> Plan:
        """The plan of no buffers."""
        return cls({}, 0, 0, True, "empty")

    @property
    def gap(self) -> float:
        """How far the arena may be from the smallest: 0.02 is 2 %; 0 when proven optimal."""
        if self.proven_optimal or not self.lower_bound:
            return 0.0
        return self.arena_bytes / self.lower_bound - 1.0

    def fits(self, capacity: int | None) -> bool:
        return capacity is None or self.arena_bytes <= capacity
