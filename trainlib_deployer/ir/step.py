"""The Step: one call of a C kernel, and the narrow waist of the tool.

Planner, tiler, tuner and templates see Steps alone; none of them knows what a convolution is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from trainlib_deployer.ir.tensor import Shape, Tensor


class Phase(Enum):
    """The part of a training step that a Step belongs to."""

    FW = "fw"
    IG = "ig"
    WG = "wg"
    UPDATE = "update"


class LoopKind(Enum):
    """How the iterations of a loop depend on each other."""

    PARALLEL = "parallel"
    REDUCTION = "reduction"
    ORDERED = "ordered"


@dataclass(frozen=True)
class Loop:
    """One named axis of a Step's iteration space."""

    name: str
    extent: int
    kind: LoopKind = LoopKind.PARALLEL


@dataclass(frozen=True)
class Axis:
    """How one axis of an operand follows the loops.

    A tile whose loops run over [first, last) touches the slice

        [ceil((sum of first * scale + offset) / divide),
         floor((sum of (last - 1) * scale + offset) / divide) + 1)

    clipped to the operand (what is clipped is padding). `divide` > 1 is a strided convolution
    seen from its input. No terms: the whole axis. `name` is what generated code calls the slice.
    """

    terms: tuple[tuple[str, int], ...] = ()
    offset: int = 0
    divide: int = 1
    name: str = ""

    @cached_property
    def loops(self) -> frozenset[str]:
        """The loops that move it."""
        return frozenset(loop for loop, _ in self.terms)

    def slice(self, tile: Mapping[str, tuple[int, int]], extent: int) -> tuple[int, int]:
        """The half-open slice of this axis, `extent` long, that a tile needs."""
        if not self.terms:
            return (0, extent)
        low = high = self.offset
        for loop, scale in self.terms:
            ends = (tile[loop][0] * scale, (tile[loop][1] - 1) * scale)
            low, high = low + min(ends), high + max(ends)
        first = min(max(-(-low // self.divide), 0), extent)
        return (first, max(first, min(high // self.divide + 1, extent)))


class Access(Enum):
    """What a kernel does to an operand."""

    READ = "read"
    WRITE = "write"
    UPDATE = "update"  # reads the old value: accumulation, weight update

    @property
    def reads(self) -> bool:
        return self is not Access.WRITE

    @property
    def writes(self) -> bool:
        return self is not Access.READ


@dataclass(frozen=True)
class Operand:
    """One pointer argument of a kernel; `tensor` None is a NULL argument (no bias).

    An `optional` one may be left out of a call (NULL): an output where another tile makes it, an
    input where another tile of the same sum has added it.
    """

    tensor: Tensor | None
    access: Access
    axes: tuple[Axis, ...] = ()
    optional: bool = False

    @cached_property
    def shape(self) -> Shape:
        """The shape that the axes speak of: where they are fewer, the first is for several."""
        assert self.tensor
        whole = self.tensor.shape
        first = len(whole) - max(1, len(self.axes)) + 1
        return (math.prod(whole[:first]), *whole[first:])


@dataclass(frozen=True)
class Bound:
    """A number of a tile: where it starts (`first`) or how long it is, along a loop or, with
    `operand`, along that axis of an operand's slice."""

    loop: str | None = None
    operand: int = 0
    axis: int = 0
    first: bool = False


@dataclass(frozen=True)
class TileField:
    """A struct member that a tile changes: `constant` + the sum of factor * bound."""

    terms: tuple[tuple[int, Bound], ...]
    constant: int = 0


@dataclass(frozen=True)
class Tiling:
    """How a kernel runs on a tile: the `loops` that may be split (`last_resort`: where nothing
    else fits), the members of the struct that differ from tile to tile, and those that make a call
    add to what the tiles before it in a reduction have left in its outputs (`continued`)."""

    loops: tuple[str, ...] = ()
    last_resort: tuple[str, ...] = ()
    fields: Mapping[str, TileField] = field(default_factory=dict)
    continued: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rated:
    """A number that follows the first element of `rate`, which is set before each training step:
    `constant` + `factor` times it."""

    rate: Tensor
    constant: float
    factor: float


@dataclass(frozen=True)
class Samples:
    """[first, last) of the samples of a whole mini-batch."""

    first: int
    last: int
    whole: int

    @property
    def count(self) -> int:
        return self.last - self.first


@dataclass(frozen=True)
class Linear:
    """An update w = decay * w + scale * dw; a number may follow a rate."""

    scale: float | Rated
    decay: float | Rated


@dataclass(frozen=True)
class Step:
    """One call of a kernel of `op` in `phase`.

    `fields` are the members of the C struct `tl_<op>`, `operands` the pointers, both in C order.
    `macs` counts multiply-accumulates as design A2 defines them, clipped taps included.

    `in_place` says which operands may share memory, (output, input) by their index: element i of
    the output depends on element i of that input and on no other. `is_copy`: the output is the
    input, bit for bit. `instead` names, for an operand, another tensor that serves as well. `cuts`
    names loops of which the kernel can run a part, each with the field that holds its extent: then
    each operand is the slice that `axes` say. `tiling` says the same of all loops at once.

    An update that is w = decay * w + scale * dw says so in `linear_update`, and a weight gradient
    that can do that at once names in `absorbs` the field with the decay of each of its outputs.
    Where it does, `gradients` are what it would have made, for each of its outputs,
    and `plain` the fields with which it makes them in the parameters' place.

    `per_sample` names the members that follow the mini-batch, each with its value for one sample:
    a smaller one sets them anew, and the kernel then touches the first samples alone. `per_step`
    names those that follow all samples of the training step, which may come in several passes.
    `predicting` names the members that have another value when the network predicts, `first_pass`
    those of a gradient that starts anew in the first pass of a training step, `rated` those that
    follow a rate.

    `samples` says which part of the mini-batch a Step is for that is not for all of it; its
    `per_sample` members follow what a mini-batch has of that part.
    """

    name: str
    layer: str
    phase: Phase
    op: str
    fields: Mapping[str, int | float]
    operands: tuple[Operand, ...]
    loops: tuple[Loop, ...]
    macs: int
    comment: str
    in_place: tuple[tuple[int, int], ...] = ()
    is_copy: bool = False
    instead: tuple[tuple[int, Tensor], ...] = ()
    cuts: Mapping[str, str] = field(default_factory=dict)
    tiling: Tiling = Tiling()
    linear_update: Linear | None = None
    absorbs: tuple[str, ...] = ()
    gradients: tuple[Tensor, ...] = ()
    plain: Mapping[str, int | float] = field(default_factory=dict)
    per_sample: Mapping[str, int | float] = field(default_factory=dict)
    per_step: Mapping[str, int | float] = field(default_factory=dict)
    predicting: Mapping[str, int] = field(default_factory=dict)
    first_pass: Mapping[str, int] = field(default_factory=dict)
    rated: Mapping[str, Rated] = field(default_factory=dict)
    samples: Samples | None = None

    @cached_property
    def ranges(self) -> Mapping[str, tuple[int, int]]:
        """All iterations [first, last) of each loop."""
        return {loop.name: (0, loop.extent) for loop in self.loops}

    @property
    def reduction_length(self) -> int:
        """Terms summed into one element of an output."""
        return math.prod(loop.extent for loop in self.loops if loop.kind is LoopKind.REDUCTION)

    @property
    def reads(self) -> tuple[Tensor, ...]:
        return tuple(o.tensor for o in self.operands if o.tensor and o.access.reads)

    @property
    def writes(self) -> tuple[Tensor, ...]:
        return tuple(o.tensor for o in self.operands if o.tensor and o.access.writes)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(o.tensor for o in self.operands if o.tensor)


def read(tensor: Tensor | None, *axes: Axis, optional: bool = False) -> Operand:
    return Operand(tensor, Access.READ, axes, optional)


def write(
    tensor: Tensor | None, *axes: Axis, accumulate: bool = False, optional: bool = False
) -> Operand:
    return Operand(tensor, Access.UPDATE if accumulate else Access.WRITE, axes, optional)


def along(loop: str) -> Axis:
    """An axis that follows one loop, index for index."""
    return Axis(((loop, 1),), name=loop)


def count_of(loop: str) -> TileField:
    """The iterations of a loop that a tile has."""
    return TileField(((1, Bound(loop)),))


def length_of(operand: int, axis: int) -> TileField:
    """The length of an operand's slice along an axis."""
    return TileField(((1, Bound(operand=operand, axis=axis)),))


def reduction(name: str, extent: int) -> Loop:
    return Loop(name, extent, LoopKind.REDUCTION)
