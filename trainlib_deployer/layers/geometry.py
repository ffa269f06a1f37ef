"""Sliding windows: shapes, padding and footprints shared by convolution and pooling."""

from __future__ import annotations

from trainlib_deployer.ir.step import Axis, Bound, TileField
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers.base import ShapeError

Pair = tuple[int, int]
Padding = tuple[int, int, int, int]  # top, bottom, left, right


def image_shape(shape: Shape) -> tuple[int, int, int]:
    """The input as (channels, height, width)."""
    if len(shape) != 3:
        raise ShapeError("takes an input of (channels, height, width)")
    return shape[0], shape[1], shape[2]


def windows(extent: int, kernel: int, stride: int, before: int, after: int) -> int:
    """How many windows of `kernel` fit along one axis, as in PyTorch (rounded down)."""
    room = extent + before + after - kernel
    if room < 0:
        raise ShapeError(
            f"takes an input of at least {kernel - before - after} along an axis"
            f" where kernel_size is {kernel} and the padding {before} + {after}"
        )
    return room // stride + 1


def window_shape(shape: Shape, kernel: Pair, stride: Pair, padding: Padding) -> Pair:
    """Output height and width."""
    _, hi, wi = image_shape(shape)
    top, bottom, left, right = padding
    return (
        windows(hi, kernel[0], stride[0], top, bottom),
        windows(wi, kernel[1], stride[1], left, right),
    )


def input_axis(out: str, tap: str, stride: int, before: int) -> Axis:
    """The input's axis when the loops run over outputs: in = out * stride + tap - before."""
    return Axis(((out, stride), (tap, 1)), -before, name=out.replace("o", "i"))


def output_axis(into: str, tap: str, stride: int, before: int) -> Axis:
    """The output's axis when the loops run over inputs: out = (in + before - tap) / stride."""
    return Axis(((into, 1), (tap, -1)), before, stride, into.replace("i", "o"))


def pad_of_outputs(out: str, operand: int, axis: int, stride: int, before: int) -> TileField:
    """The padding that a tile of outputs sees before its slice of the input."""
    slice_first = Bound(operand=operand, axis=axis, first=True)
    return TileField(((1, slice_first), (-stride, Bound(out, first=True))), before)


def pad_of_inputs(into: str, operand: int, axis: int, stride: int, before: int) -> TileField:
    """The same where the tile is one of inputs, and the slice is the output's."""
    slice_first = Bound(operand=operand, axis=axis, first=True)
    return TileField(((1, Bound(into, first=True)), (-stride, slice_first)), before)


def symmetric(padding: Padding) -> bool:
    """Whether torch's own modules can say this padding."""
    top, bottom, left, right = padding
    return top == bottom and left == right


def torch_pad(padding: Padding, value: str) -> str:
    """The arguments of F.pad after the tensor."""
    top, bottom, left, right = padding
    return f"({left}, {right}, {top}, {bottom}), value={value}"
