"""A box of a dense array as transfers: rows of bytes, as few 2-D ones as there can be."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainlib_deployer.ir.tensor import Shape


@dataclass(frozen=True)
class Box:
    """Which axes of a box make a row of bytes, which the rows of one transfer, and which several.

    `row` is the first axis of the contiguous part, `rows` the first of those that count rows
    `stride` elements apart; each iteration of the axes before it is a transfer of its own.
    """

    row: int
    rows: int
    stride: int


def box_of(shape: Shape, partial: tuple[bool, ...]) -> Box:
    """The transfers for a box that is `partial` along some axes and whole along the others."""
    row = max((axis for axis, part in enumerate(partial) if part), default=0)
    if math.prod(shape[:row]) == 1:
        return Box(row, row, 0)
    # rows run over the axis before, and over those before it as long as that one is whole
    rows = row - 1
    while rows > 0 and not partial[rows]:
        rows -= 1
    while rows < row - 1 and shape[rows] == 1:
        rows += 1
    return Box(row, rows, math.prod(shape[row:]))
