"""Normalisation with a weight an element: layer norm and RMS norm."""

from __future__ import annotations

import math

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import (
    Axis,
    Loop,
    Phase,
    Step,
    Tiling,
    along,
    count_of,
    read,
    reduction,
    write,
)
from trainlib_deployer.ir.tensor import Shape, Tensor
from trainlib_deployer.layers.base import Gradients, ShapeError
from trainlib_deployer.layers.normalisation import (
    Groups,
    Settings,
    means,
    norm_step,
    of_groups,
    of_samples,
    scratch,
    statistics,
    sums,
    whole,
)

_SOME_ROWS = Tiling(("r",), fields={"rows": count_of("r")})


def check_rows(normalized: Shape, shape: Shape) -> None:
    if shape[-len(normalized) :] != normalized:
        raise ShapeError(f"takes inputs whose last axes are normalized_shape {list(normalized)}")


def row_norm_forward(node: Node, settings: Settings, normalized: Shape) -> tuple[Step, ...]:
    groups = _groups(node, normalized)
    where = _where(normalized)
    apply = norm_step(
        node,
        Phase.FW,
        "row_norm",
        _fields(groups, False),
        (
            write(node.output, *where),
            read(node.inputs[0], *where),
            read(_stats(node, groups), along("r"), Axis()),
            read(node.parameters.get("weight")),
            read(node.parameters.get("bias")),
        ),
        _loops(groups),
        f"{groups.groups} rows of {groups.length}",
        per_sample={"rows": groups.each},
        in_place=((0, 1),),
        tiling=_SOME_ROWS,
    )
    return (*statistics(node, _stats(node, groups), groups, of_groups(groups), settings), apply)


def row_norm_backward(
    node: Node, gradients: Gradients, settings: Settings, normalized: Shape
) -> tuple[Step, ...]:
    groups = _groups(node, normalized)
    weight = node.parameters.get("weight")
    steps: list[Step] = []
    if gradients.dx[0] is not None:
        stats = read(_stats(node, groups), along("n"), along("c"), Axis())
        steps.append(
            sums(
                node, gradients, groups, stats,
                sample_stats=groups.each, shared=1, weight=weight,
            )
        )  # fmt: skip
        out = scratch(node, "means", groups.samples, groups.each, 2)
        made = steps[0].writes[0]
        centered = settings.centered
        steps.append(means(node, made, out, of_groups(groups), weight=None, centered=centered))
        steps.append(_input_gradient(node, gradients, groups, out, normalized))
    if gradients.dparams:
        steps.append(_weight_gradient(node, gradients, groups, normalized))
    return tuple(steps)


def _groups(node: Node, normalized: Shape) -> Groups:
    rows = node.inputs[0].count // (node.inputs[0].shape[0] * math.prod(normalized))
    return of_samples(node.inputs[0], rows)


def _stats(node: Node, groups: Groups) -> Tensor:
    return scratch(node, "stats", groups.samples, groups.each, 3)


def _fields(groups: Groups, add: bool) -> dict[str, int]:
    return {"rows": groups.groups, "length": groups.length, "accumulate": int(add)}


def _loops(groups: Groups) -> tuple[Loop, ...]:
    return (Loop("r", groups.groups), Loop("i", groups.length))


def _where(normalized: Shape) -> tuple[Axis, ...]:
    return (along("r"), *whole(len(normalized)))


def _input_gradient(
    node: Node, gradients: Gradients, groups: Groups, made: Tensor, normalized: Shape
) -> Step:
    add = gradients.accumulate[0]
    where = _where(normalized)
    return norm_step(
        node,
        Phase.IG,
        "row_norm",
        _fields(groups, add),
        (
            write(gradients.dx[0], *where, accumulate=add),
            read(gradients.dy, *where),
            read(node.inputs[0], *where),
            read(_stats(node, groups), along("r"), Axis()),
            read(made, along("r"), Axis()),
            read(node.parameters.get("weight")),
        ),
        _loops(groups),
        f"{groups.groups} rows of {groups.length}",
        per_sample={"rows": groups.each},
        in_place=() if add else ((0, 1),),
        tiling=_SOME_ROWS,
    )


def _weight_gradient(node: Node, gradients: Gradients, groups: Groups, normalized: Shape) -> Step:
    # a part of every row is dense where rows have one axis
    columns = along("i") if len(normalized) == 1 else Axis()
    own = (columns, *whole(len(normalized) - 1))
    return norm_step(
        node,
        Phase.WG,
        "row_norm",
        _fields(groups, False),
        (
            write(gradients.dparams["weight"], *own),
            write(gradients.dparams.get("bias"), *own),
            read(gradients.dy, along("r"), *own),
            read(node.inputs[0], along("r"), *own),
            read(_stats(node, groups), along("r"), Axis()),
        ),
        (Loop("i", groups.length), reduction("r", groups.groups)),
        f"{groups.groups} rows of {groups.length}",
        per_sample={"rows": groups.each},
        tiling=Tiling(("i",), fields={"length": count_of("i")})
        if len(normalized) == 1
        else Tiling(),
    )
