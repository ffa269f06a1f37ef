"""How a Step runs on tiles that fit L1: loops over them, and buffers that they use in turns.

The tiles of a Step run in the order of nested loops, the first of `loops` outermost, reductions
innermost. While the cores work on tile t, tile t + 1 arrives and tile t - 1 leaves (`overlap`), or
each arrives, is worked on and leaves before the next.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from trainlib_deployer.ir.step import Axis, Bound, Operand, Step, TileField
from trainlib_deployer.passes.liveness import aligned_bytes

Range = tuple[int, int]


@dataclass(frozen=True)
class TiledLoop:
    """A loop that is split into tiles of `size` iterations; the last one may be shorter."""

    name: str
    extent: int
    size: int

    @property
    def count(self) -> int:
        """Tiles along this loop."""
        return -(-self.extent // self.size)

    def range(self, index: int) -> Range:
        """The iterations [first, last) of one of them."""
        return index * self.size, min((index + 1) * self.size, self.extent)


@dataclass(frozen=True)
class Slot:
    """Buffers in L1 for the slices of some operands, by their index: those that share memory.

    There are `buffers` of `slot_bytes` each, used in turns; `period` tiles in a row have the same
    slice. `reads`: slices are fetched; `writes`: they are stored.
    """

    operands: tuple[int, ...]
    slot_bytes: int
    buffers: int
    period: int
    reads: bool
    writes: bool

    @property
    def bytes(self) -> int:
        return self.slot_bytes * self.buffers


@dataclass(frozen=True)
class Predicted:
    """What a Step is expected to cost, in cycles and bytes."""

    compute_cycles: float = 0.0
    transfer_cycles: float = 0.0
    cycles: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True)
class TilePlan:
    """The tiles of one Step; operands that are in no slot are in L1 already."""

    loops: tuple[TiledLoop, ...]
    slots: tuple[Slot, ...]
    overlap: bool
    predicted: Predicted = Predicted()

    @cached_property
    def count(self) -> int:
        """How many tiles there are."""
        return math.prod(loop.count for loop in self.loops)

    @cached_property
    def bytes(self) -> int:
        """What the slots take of L1."""
        return sum(aligned_bytes(slot.bytes) for slot in self.slots)

    def kinds(self) -> Iterator[tuple[int, dict[str, Range]]]:
        """Tiles that differ, an inner and the last one a loop, and how many are like it."""
        choices = []
        for loop in self.loops:
            inner = loop.count - 1
            kinds = [(inner, loop.range(min(1, inner - 1)))] if inner else []
            choices.append([*kinds, (1, loop.range(loop.count - 1))])
        for chosen in itertools.product(*choices):
            tile = {loop.name: ends for loop, (_, ends) in zip(self.loops, chosen, strict=True)}
            yield math.prod(count for count, _ in chosen), tile

    def tile(self, index: int) -> dict[str, Range]:
        """The iterations of one tile, for each loop that is split."""
        found = {}
        for loop in reversed(self.loops):
            index, position = divmod(index, loop.count)
            found[loop.name] = loop.range(position)
        return found


def operand_axes(operand: Operand) -> tuple[Axis, ...]:
    """The axes of an operand: one, of which nothing is cut, where none are named."""
    return operand.axes or (Axis(),)


def follows(axis: Axis, loops: Mapping[str, object]) -> bool:
    """Whether a slice along this axis depends on one of the loops that are split."""
    return not axis.loops.isdisjoint(loops)


def slices_of(step: Step, index: int, tile: Mapping[str, Range]) -> tuple[Range, ...]:
    """The slice [first, last) of each axis of an operand for a tile; whole where no split loop
    moves it."""
    operand = step.operands[index]
    ranges = {**step.ranges, **tile}
    return tuple(
        axis.slice(ranges, extent) if follows(axis, tile) else (0, extent)
        for axis, extent in zip(operand_axes(operand), operand.shape, strict=True)
    )


def tile_fields(step: Step, tile: Mapping[str, Range], continued: bool) -> dict[str, int | float]:
    """The struct of a call for one tile; `continued`: earlier tiles left a part of the sum."""
    fields = dict(step.fields)
    ranges = {**step.ranges, **tile}
    for name, rule in step.tiling.fields.items():
        fields[name] = _value(step, rule, ranges, tile)
    if continued:
        fields |= step.tiling.continued
    return fields


def _value(
    step: Step, rule: TileField, ranges: Mapping[str, Range], tile: Mapping[str, Range]
) -> int:
    value = rule.constant
    for factor, bound in rule.terms:
        first, last = _range(step, bound, ranges, tile)
        value += factor * (first if bound.first else last - first)
    return value


def _range(
    step: Step, bound: Bound, ranges: Mapping[str, Range], tile: Mapping[str, Range]
) -> Range:
    if bound.loop is not None:
        return ranges[bound.loop]
    return slices_of(step, bound.operand, tile)[bound.axis]
