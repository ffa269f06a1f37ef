"""Fewer, larger blocks: guess which blocks belong together, and let the search place the groups.

Two blocks with the same life may be stacked; of two blocks of the same size, one ending where the
other starts, the second may take the first one's place; four blocks may close a ring around a
fifth. Every packing of the merged blocks is one of the buffers, but not the other way round: a
guess can be wrong, so the caller tries many, from a seeded generator, beside the search for the
blocks as they are. Each merge makes others possible, and the likeliest come first: a coincidence
of exact times says more than one of sections, equal sizes say more than similar ones. What a
tightly packed memory was cut from is found again in this way, often down to a few blocks.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from trainlib_deployer.memory.timeline import Block, sections


class Merging(NamedTuple):
    """How likely a possible merge is made; how unlike sizes may be, as a part of the capacity.

    `by_time`: first only what the exact times allow, then what the sections allow.
    """

    stack: float
    follow: float
    tolerance: float = 0.0
    by_time: bool = True


def coarsen(
    blocks: Sequence[Block], rng: random.Random, how: Merging, capacity: int
) -> tuple[list[Block], int]:
    """Merged blocks and their number of sections; what they waste still leaves the capacity."""
    merged = list(blocks)
    ladder = [0]
    while 2 * ladder[-1] + 1 <= how.tolerance * capacity:
        ladder.append(2 * ladder[-1] + 1)
    for in_sections in (False, True) if how.by_time else (True,):
        for tolerance in ladder:
            while True:
                before = len(merged)
                if in_sections:
                    merged, _ = sections(merged)
                merged = _Merger(merged, rng, how, tolerance, capacity).merged()
                if len(merged) == before:
                    break
    return sections(merged)


@dataclass
class _Merger:
    """One pass over the blocks, with the likeliest kind of merge that is possible."""

    blocks: list[Block]
    rng: random.Random
    how: Merging
    tolerance: int
    capacity: int
    starting: dict[int, list[int]] = field(default_factory=dict)
    ending: dict[int, list[int]] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)
    made: list[Block] = field(default_factory=list)

    def merged(self) -> list[Block]:
        """Fewer blocks, or the same when nothing can be merged."""
        for k, block in enumerate(self.blocks):
            self.starting.setdefault(block.first, []).append(k)
            self.ending.setdefault(block.last, []).append(k)
        self._load()
        for merge in (self._follow_surely, self._pinwheels, self._stack, self._follow_somehow):
            merge()
            if self.made:
                left = [b for k, b in enumerate(self.blocks) if k not in self.taken]
                return left + self.made
        return self.blocks

    def _load(self) -> None:
        """The free bytes between two changes; only inexact merges use them up."""
        self.index = {t: i for i, t in enumerate(sorted({*self.starting, *self.ending}))}
        change = [0] * len(self.index)
        for block in self.blocks:
            change[self.index[block.first]] -= block.size
            change[self.index[block.last]] += block.size
        self.free = [self.capacity + grown for grown in accumulate(change)]

    def _spend(self, first: int, last: int, waste: int) -> bool:
        """Use `waste` bytes over [first, last) if they are free."""
        if not waste:
            return True
        a, b = self.index[first], self.index[last]
        if min(self.free[a:b]) < waste:
            return False
        for i in range(a, b):
            self.free[i] -= waste
        return True

    def _make(self, around: Sequence[int], block: Block) -> None:
        self.taken.update(around)
        self.made.append(block)

    def _follow_surely(self) -> None:
        """Blocks of one size, one after the other, where there is no other choice."""
        for time, earlier in self.ending.items():
            later = self.starting.get(time)
            if later is None:
                continue
            for e in earlier:
                near = self._near(e, later)
                if len(near) == 1 and len(self._near(near[0], earlier)) == 1:
                    self._chain(e, near[0])

    def _follow_somehow(self) -> None:
        for time, earlier in self.ending.items():
            for e in earlier:
                near = self._near(e, self.starting.get(time, ()))
                if near:
                    self._chain(e, self.rng.choice(near))

    def _near(self, k: int, others: Sequence[int]) -> list[int]:
        """Which of the others could take the place of k."""
        size, alignment = self.blocks[k].size, self.blocks[k].alignment
        low, high = size - self.tolerance, size + self.tolerance
        return [
            o
            for o in others
            if low <= self.blocks[o].size <= high
            and self.blocks[o].alignment == alignment
            and o not in self.taken
        ]

    def _chain(self, k: int, after: int) -> None:
        if k in self.taken or self.rng.random() >= self.how.follow:
            return
        a, b = self.blocks[k], self.blocks[after]
        small = a if a.size < b.size else b
        size = max(a.size, b.size)
        if size - small.size > self.tolerance or self.tolerance * 4 > size:
            return
        if self._spend(small.first, small.last, size - small.size):
            self._make((k, after), Block(a.first, b.last, size, a.alignment, a.parts + b.parts))

    def _stack(self) -> None:
        """Blocks with the same life become one."""
        towers: dict[tuple[int, int, int], list[int]] = {}
        for k, block in enumerate(self.blocks):
            towers.setdefault((block.first, block.last, block.alignment), []).append(k)
        for tower in towers.values():
            chosen = [k for k in tower if self.rng.random() < self.how.stack]
            if len(chosen) > 1:
                top, parts = 0, []
                for k in chosen:
                    parts += _raised(self.blocks[k], top)
                    top += self.blocks[k].size
                self._make(chosen, self.blocks[chosen[0]]._replace(size=top, parts=tuple(parts)))

    def _pinwheels(self) -> None:
        """Four blocks around a fifth that fill a rectangle, though no straight cut parts them."""
        for k, hub in enumerate(self.blocks):
            if k in self.taken or self.tolerance * 4 > hub.size:
                continue
            around = self._around(k)
            if around is None or self.rng.random() >= self.how.follow:
                continue
            ll, lr, hl, hr = (self.blocks[o] for o in around)
            over = max(lr.size, ll.size + hub.size)
            height = max(ll.size + hl.size, over + hr.size)
            columns = (
                (ll.first, hub.first, ll.size + hl.size),
                (hub.first, hub.last, ll.size + hub.size + hr.size),
                (hub.last, lr.last, lr.size + hr.size),
            )
            if all(self._spend(first, last, height - used) for first, last, used in columns):
                parts = (
                    *_raised(ll, 0),
                    *_raised(lr, 0),
                    *_raised(hl, ll.size),
                    *_raised(hub, ll.size),
                    *_raised(hr, over),
                )
                wheel = Block(ll.first, lr.last, height, hub.alignment, parts)
                self._make((k, *around), wheel)

    def _around(self, k: int) -> tuple[int, int, int, int] | None:
        """Low left, low right, high left, high right: steps by the hub's size at its ends."""
        hub = self.blocks[k]
        down = {
            (self.blocks[hl].first, self.blocks[hr].last): (hl, hr)
            for hl, hr in self._steps(hub.first, hub.size, k)
        }
        if down:
            for lr, ll in self._steps(hub.last, hub.size, k, up=True):
                high = down.get((self.blocks[ll].first, self.blocks[lr].last))
                if high and len({self.blocks[o].alignment for o in (ll, lr, *high, k)}) == 1:
                    return ll, lr, *high
        return None

    def _steps(self, time: int, size: int, hub: int, *, up: bool = False) -> list[tuple[int, int]]:
        """(taller, lower) where one ends at the time as the other starts; up: the later taller."""
        earlier, later = self.ending.get(time, ()), self.starting.get(time, ())
        talls, lows = (later, earlier) if up else (earlier, later)
        return [
            (tall, low)
            for tall in talls
            if self.blocks[tall].size > size and tall not in self.taken and tall != hub
            for low in lows
            if abs(self.blocks[tall].size - self.blocks[low].size - size) <= self.tolerance
            and low not in self.taken
            and low != hub
        ]


def _raised(block: Block, by: int) -> list[tuple[int, int]]:
    return [(index, inside + by) for index, inside in block.parts]
