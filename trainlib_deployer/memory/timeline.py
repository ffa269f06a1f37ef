"""Time, reduced to what matters for packing.

Buffers overlap in time exactly when they share a *section*: a time at which the set of live buffers
is maximal. Every other time is dominated by a section and can be forgotten; this also stretches
lifetimes over times at which nothing competes for the memory.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple


class Block(NamedTuple):
    """A rectangle to place: sections [first, last) by `size` bytes.

    `parts` are the buffers that it stands for, as (index, offset inside the block).
    """

    first: int
    last: int
    size: int
    alignment: int
    parts: tuple[tuple[int, int], ...]


def sections(blocks: Sequence[Block]) -> tuple[list[Block], int]:
    """The blocks with lifetimes counted in sections, and the number of sections."""
    starts = {block.first for block in blocks}
    ends = {block.last for block in blocks}
    points: list[int] = []
    latest_start: int | None = None
    for time in sorted(starts | ends):
        if time in ends and latest_start is not None:
            points.append(latest_start)  # something has started and something is about to end
            latest_start = None
        if time in starts:
            latest_start = time
    index = {time: bisect_left(points, time) for time in starts | ends}
    return [
        Block(index[b.first], index[b.last], b.size, b.alignment, b.parts) for b in blocks
    ], len(points)


def loads(blocks: Sequence[Block], count: int) -> list[int]:
    """The live bytes of each section."""
    total = [0] * count
    for block in blocks:
        for section in range(block.first, block.last):
            total[section] += block.size
    return total


def independent(blocks: Sequence[Block]) -> list[list[Block]]:
    """Groups of blocks between times that no block crosses: each can be packed alone."""
    groups: list[list[Block]] = []
    end = -1
    for block in sorted(blocks, key=lambda b: (b.first, b.last, b.parts)):
        if block.first >= end:
            groups.append([])
        groups[-1].append(block)
        end = max(end, block.last)
    return groups
