"""Exact search for a packing within a capacity, by filling valleys from the bottom.

In the family of MiniMalloc (Moffitt, "MiniMalloc: A Lightweight Memory Allocator for
Hardware-Accelerated Machine Learning", ASPLOS 2023): sections of constant live set, only solutions
in which every buffer rests on another or on the ground, dynamic decomposition in time, and a bound
for each section. What differs is the branching. The search keeps the *floor* of each section, the
height up to which it is filled. A run of sections whose neighbours are higher is a valley; the
section at its edge is covered, at the valley's height, either by a block that starts (ends) exactly
there, or by nothing, in which case its floor rises to the next height at which a block could rest.
The floor and what is still to come must stay within the capacity. The edge with the fewest choices
is decided first. Going through all choices without success proves that there is no packing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Optional

from trainlib_deployer.memory.budget import Budget
from trainlib_deployer.memory.timeline import Block, loads

_SECTIONS_A_NODE = 64  # wider goals cost more
_RAISE = -1  # the choice of leaving the edge empty


class Outcome(Enum):
    SOLVED = "solved"
    IMPOSSIBLE = "impossible"
    STOPPED = "stopped"


class _Goal(NamedTuple):
    """Sections [lo, hi) to fill, then the rest; lo < 0: forget choices beyond the first `hi`."""

    lo: int
    hi: int
    rest: Optional[_Goal]  # noqa: UP045 (evaluated at run time on Python 3.10)


class _Edge(NamedTuple):
    """An outermost section of the valley [left, right), its height, and who may rest there."""

    section: int
    height: int
    left: int
    right: int
    candidates: list[int]


@dataclass
class _Choice:
    """A decision that can be taken back: where the trail was, and what is left to try."""

    trail: int
    options: list[int]
    edge: _Edge
    raised: int
    goal: _Goal


class Search:
    """One packing problem: blocks in section coordinates and a capacity.

    `blocks` are in an order of their own; once solved, `offset` says where each of them lies.
    """

    def __init__(self, blocks: Sequence[Block], count: int, capacity: int) -> None:
        # equal lifetimes in a fixed order, so that stacks of them are tried in one order only
        self.blocks = sorted(blocks, key=lambda b: (b.first, b.last, -b.size, b.parts))
        self.count = count
        self.capacity = capacity
        self.first = [b.first for b in self.blocks]
        self.last = [b.last for b in self.blocks]
        self.size = [b.size for b in self.blocks]
        self.alignment = [b.alignment for b in self.blocks]
        self.total = loads(self.blocks, count)
        self.cover: list[list[int]] = [[] for _ in range(count)]
        self.starting: list[list[int]] = [[] for _ in range(count + 1)]
        self.ending: list[list[int]] = [[] for _ in range(count + 1)]
        for k in range(len(self.blocks)):
            self.starting[self.first[k]].append(k)
            self.ending[self.last[k]].append(k)
            for section in range(self.first[k], self.last[k]):
                self.cover[section].append(k)

    def run(self, limit: int, budget: Budget, rng: random.Random | None) -> Outcome:
        """Search at most `limit` nodes; `rng` shakes the order in which choices are tried."""
        self._reset()
        if max(self.total, default=0) > self.capacity:
            return Outcome.IMPOSSIBLE
        goal = self._split(0, self.count, None)
        while goal is not None:
            if goal.lo < 0:
                del self.choices[goal.hi :]
                goal = goal.rest
                continue
            cost = 1 + (goal.hi - goal.lo) // _SECTIONS_A_NODE
            limit -= cost
            if limit < 0 or not budget.spend(cost):
                return Outcome.STOPPED
            self._branch(goal, rng)
            if not self.choices:
                return Outcome.IMPOSSIBLE
            goal = self._advance()
        return Outcome.SOLVED

    def _reset(self) -> None:
        self.floor = [0] * self.count
        self.todo = self.total[:]  # bytes still to place in each section
        self.placed = [False] * len(self.blocks)
        self.offset = [0] * len(self.blocks)
        self.owner = [-1] * self.count  # who was placed last with its start in this section
        self.crossing = [0] * (self.count + 1)  # unplaced blocks over the boundary before a section
        for k in range(len(self.blocks)):
            for boundary in range(self.first[k] + 1, self.last[k]):
                self.crossing[boundary] += 1
        self.trail: list[tuple[int, int, list[int]]] = []
        self.choices: list[_Choice] = []

    def _branch(self, goal: _Goal, rng: random.Random | None) -> None:
        """Push the choices for the edge of `goal` that has the fewest of them, if it has any."""
        edge = self._tightest_edge(goal)
        raised = self._next_height(edge, goal)
        options = [_RAISE] if raised + self.todo[edge.section] <= self.capacity else []
        options += self._ordered(edge, goal, rng)  # taken from the end
        if options:
            self.choices.append(_Choice(len(self.trail), options, edge, raised, goal))

    def _advance(self) -> _Goal | None:
        """Go back to the last choice and try its next option; what is to do then."""
        choice = self.choices[-1]
        self._undo(choice.trail)
        option = choice.options.pop()
        if not choice.options:
            self.choices.pop()
        edge, goal = choice.edge, choice.goal
        if option == _RAISE:
            self.trail.append((_RAISE, edge.section, [edge.height]))
            self.floor[edge.section] = choice.raised
            return goal
        self._place(option, self._aligned(option, edge.height))
        a, b = self.first[option], self.last[option]
        if 0 in self.todo[a:b] or 0 in self.crossing[a + 1 : b]:
            return self._split(goal.lo, goal.hi, goal.rest)
        return goal

    def _split(self, lo: int, hi: int, rest: _Goal | None) -> _Goal | None:
        """Goals for the parts of [lo, hi) that no unplaced block connects.

        A part once solved is never solved otherwise because a later one fails: they do not meet.
        """
        parts: list[tuple[int, int]] = []
        start = lo
        for section in range(lo, hi):
            if section > start and not self.crossing[section]:
                parts.append((start, section))
                start = section
            if not self.todo[section]:
                start = section + 1
        if start < hi:
            parts.append((start, hi))
        goal = rest
        for number, (a, b) in enumerate(reversed(parts)):
            if number:
                goal = _Goal(-1, len(self.choices), goal)
            goal = _Goal(a, b, goal)
        return goal

    def _place(self, k: int, offset: int) -> None:
        a, b, size = self.first[k], self.last[k], self.size[k]
        self.trail.append((k, self.owner[a], self.floor[a:b]))
        self.floor[a:b] = [offset + size] * (b - a)
        self.owner[a] = k
        self.placed[k] = True
        self.offset[k] = offset
        self._shift(k, -1)

    def _shift(self, k: int, sign: int) -> None:
        """Take block k out of (sign -1) or back into (+1) what is still to place."""
        a, b, size = self.first[k], self.last[k], sign * self.size[k]
        todo, crossing = self.todo, self.crossing
        todo[a] += size
        for section in range(a + 1, b):
            todo[section] += size
            crossing[section] += sign

    def _undo(self, length: int) -> None:
        while len(self.trail) > length:
            k, detail, heights = self.trail.pop()
            if k == _RAISE:
                self.floor[detail] = heights[0]
                continue
            self.placed[k] = False
            self.floor[self.first[k] : self.last[k]] = heights
            self.owner[self.first[k]] = detail
            self._shift(k, 1)

    def _aligned(self, k: int, height: int) -> int:
        return -(-height // self.alignment[k]) * self.alignment[k]

    def _tightest_edge(self, goal: _Goal) -> _Edge:
        """The edge with the fewest blocks that can rest at it; the lowest of these."""
        floor, placed, first, last = self.floor, self.placed, self.first, self.last
        lo, hi = goal.lo, goal.hi
        best: _Edge | None = None
        best_key = (len(self.blocks) + 1, 0)
        i, wall = lo, self.capacity + 1
        while i < hi:
            height = floor[i]
            j = i + 1
            while j < hi and floor[j] == height:
                j += 1
            if wall > height and (j == hi or floor[j] > height):
                fits = [k for k in self.starting[i] if not placed[k] and last[k] <= j]
                if (len(fits), height) < best_key:
                    best, best_key = _Edge(i, height, i, j, fits), (len(fits), height)
                fits = [k for k in self.ending[j] if not placed[k] and first[k] >= i]
                if (len(fits), height) < best_key:
                    best, best_key = _Edge(j - 1, height, i, j, fits), (len(fits), height)
                if not best_key[0]:
                    break
            i, wall = j, height
        assert best is not None  # the lowest run is a valley
        return best

    def _next_height(self, edge: _Edge, goal: _Goal) -> int:
        """A height below which nothing rests on the edge, once it is left empty at its own."""
        best = 2 * self.capacity + 2
        above = 0
        for k in self.cover[edge.section]:
            if self.placed[k]:
                continue
            height = max(self.floor[self.first[k] : self.last[k]])
            if height == edge.height:
                above = above or self._lowest_support(edge, goal)
                height = above
            if height < best:
                best = height
        return best

    def _lowest_support(self, edge: _Edge, goal: _Goal) -> int:
        """The lowest top of a block over the valley beside the edge, for others to rest on."""
        lowest = 2 * self.capacity + 2
        for start in range(edge.left, edge.right):
            for k in self.starting[start]:
                beside = start > edge.section or self.last[k] <= edge.section
                if beside and not self.placed[k] and self.last[k] <= edge.right:
                    lowest = min(lowest, edge.height + self.size[k])
        # blocks that lie partly on the wall opposite of the edge
        at_left = edge.section == edge.left
        wall = edge.right if at_left else edge.left - 1
        if goal.lo <= wall < goal.hi:
            for k in self.cover[wall]:
                over = (
                    edge.section < self.first[k] < edge.right
                    if at_left
                    else edge.left < self.last[k] <= edge.section
                )
                if over and not self.placed[k]:
                    lowest = min(lowest, self.floor[wall] + self.size[k])
        return lowest

    def _ordered(self, edge: _Edge, goal: _Goal, rng: random.Random | None) -> list[int]:
        """The edge's candidates, the best last: first those that leave the smoothest floor."""
        wall = self.capacity + 1
        left = self.floor[edge.left - 1] if edge.left > goal.lo else wall
        right = self.floor[edge.right] if edge.right < goal.hi else wall
        ranked: list[tuple[float, int]] = []
        seen: set[tuple[int, int, int, int]] = set()
        for k in edge.candidates:
            a, b, size = self.first[k], self.last[k], self.size[k]
            kind = (a, b, size, self.alignment[k])
            if kind in seen or self._out_of_order(k, edge.height):
                continue
            seen.add(kind)
            offset = self._aligned(k, edge.height)
            if offset > edge.height and not self._leaves_room(k, offset):
                continue
            top = offset + size
            score = 4.0 * size / self.capacity + (b - a) / self.count
            score += (a == edge.left and b == edge.right) + (a == edge.left and top == left)
            score += b == edge.right and top == right
            if rng is not None:
                score += rng.random() * 1.5
            ranked.append((score, k))
        return [k for _, k in sorted(ranked)]

    def _out_of_order(self, k: int, height: int) -> bool:
        """Whether k would lie right on a block of the same lifetime that should be above it."""
        below = self.owner[self.first[k]]
        return (
            below > k
            and self.last[below] == self.last[k]
            and self.alignment[below] == self.alignment[k]
            and self.offset[below] + self.size[below] == height
        )

    def _leaves_room(self, k: int, offset: int) -> bool:
        # alignment wastes bytes under the block; its own are counted in todo
        return all(
            offset + self.todo[section] <= self.capacity
            for section in range(self.first[k], self.last[k])
        )
