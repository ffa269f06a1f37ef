"""A part of a Step: the same kernel over a range of one loop, on slices of its operands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from trainlib_deployer.ir.step import Axis, Operand, Step
from trainlib_deployer.ir.tensor import Tensor


def cut_step(
    step: Step, loop: str, first: int, last: int, rows: str, made: Mapping[str, Tensor]
) -> Step:
    """`step` over [first, last) of `loop`, which must be one of `step.cuts`.

    Slices are views named after `rows`; `made` gives, by name, tensors to use in place of a view.
    """
    extent = next(item.extent for item in step.loops if item.name == loop)
    operands = tuple(_cut_operand(o, loop, first, last, rows, made) for o in step.operands)
    return replace(
        step,
        name=f"{step.name}[{rows}]",
        fields={**step.fields, step.cuts[loop]: last - first},
        operands=operands,
        loops=tuple(
            replace(item, extent=last - first) if item.name == loop else item for item in step.loops
        ),
        macs=step.macs * (last - first) // extent,
        comment=f"{step.comment}, {loop} {first} to {last - 1}",
    )


def slice_shape(operand: Operand, loop: str, count: int) -> tuple[int, ...]:
    """The shape of `count` iterations' part of an operand; flat where it has one axis for all."""
    tensor = operand.tensor
    assert tensor
    shape = tensor.shape if len(operand.axes) == tensor.rank else (tensor.count,)
    axis = _axis_of(operand, loop, shape)
    return (*shape[:axis], count, *shape[axis + 1 :])


def _cut_operand(
    operand: Operand, loop: str, first: int, last: int, rows: str, made: Mapping[str, Tensor]
) -> Operand:
    tensor = operand.tensor
    if tensor is None or not any(_follows(axis, loop) for axis in operand.axes):
        return operand
    if tensor.name in made:
        return replace(operand, tensor=made[tensor.name])
    shape = slice_shape(operand, loop, last - first)
    offset = math.prod(shape) // (last - first) * first
    part = Tensor(f"{tensor.name}[{rows}]", tensor.kind, shape, tensor.dtype, tensor, offset)
    return replace(operand, tensor=part)


def _axis_of(operand: Operand, loop: str, shape: tuple[int, ...]) -> int:
    """The one axis that follows the loop; its slices must be contiguous."""
    axes = [k for k, axis in enumerate(operand.axes) if _follows(axis, loop)]
    if len(axes) != 1 or operand.axes[axes[0]].terms != ((loop, 1),):
        raise ValueError(f"{operand.tensor} has no simple slice along {loop}")
    if math.prod(shape[: axes[0]]) != 1:
        raise ValueError(f"slices of {operand.tensor} along {loop} are not contiguous")
    return axes[0]


def _follows(axis: Axis, loop: str) -> bool:
    return any(name == loop for name, _ in axis.terms)
