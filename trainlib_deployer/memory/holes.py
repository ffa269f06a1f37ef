"""Guesses of what a tight packing leaves empty, as blocks that stand for no buffer.

With no space left over, a search fails as soon as something cannot lie flush, and merging finds the
neighbours of a hole. The free bytes at each time are known; a hole that starts and ends alone shows
as a step up and an equal step down.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence

from trainlib_deployer.memory.timeline import Block

Holes = Callable[[Sequence[Block], int, random.Random], list[Block]]


def no_holes(blocks: Sequence[Block], capacity: int, rng: random.Random) -> list[Block]:
    return []


def sure_holes(blocks: Sequence[Block], capacity: int, rng: random.Random) -> list[Block]:
    """Only the holes whose step up and equal step down are both the only ones of that size."""
    steps = _free_steps(blocks, capacity)
    seen = Counter(abs(step) for step in steps.values())
    since: dict[int, int] = {}
    found: list[Block] = []
    for at, step in steps.items():
        if step > 0:
            since[step] = at
        elif -step in since and seen[-step] == 2:
            found.append(Block(since[-step], at, -step, 1, ()))
    return found


def all_holes(blocks: Sequence[Block], capacity: int, rng: random.Random) -> list[Block]:
    """Fill everything up to the capacity; steps that have no equal are paired at random."""
    steps = _free_steps(blocks, capacity)
    if any(block.alignment > 1 for block in blocks):
        return []  # what alignment leaves empty has no such shape
    down = Counter(-step for step in steps.values() if step < 0)  # still to come
    found: list[Block] = []
    growing: list[tuple[int, int]] = []  # (size, since)

    def close(candidates: list[tuple[int, int]], at: int) -> int:
        size, since = hole = rng.choice(candidates)
        growing.remove(hole)
        if since < at:
            found.append(Block(since, at, size, 1, ()))
        return size

    for at, step in steps.items():
        change = step
        if step < 0:
            down[-step] -= 1
        while change < 0:
            exact = [hole for hole in growing if hole[0] == -change]
            # else one ends as a smaller one starts, or several end
            ends = [hole for hole in growing if down[hole[0] + change] > 0]
            change += close(exact or ends or growing, at)
        if change > 0:
            # one may end as a larger one starts
            grows = [hole for hole in growing if down[hole[0] + change] > 0]
            if grows and change == step and not down[change]:
                change += close(grows, at)
            growing.append((change, at))
    return found


def _free_steps(blocks: Sequence[Block], capacity: int) -> dict[int, int]:
    """By how much the free bytes grow, at each time at which they change."""
    change: Counter[int] = Counter()
    for block in blocks:
        change[block.first] -= block.size
        change[block.last] += block.size
    change[min(b.first for b in blocks)] += capacity
    change[max(b.last for b in blocks)] -= capacity
    return {time: change[time] for time in sorted(change) if change[time]}
