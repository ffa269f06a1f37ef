"""Normalisation with a weight a channel: batch, instance and group norm."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

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
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.layers.base import Gradients
from trainlib_deployer.layers.normalisation import (
    Groups,
    Settings,
    across_samples,
    means,
    norm_step,
    of_entries,
    of_groups,
    of_samples,
    planes_of,
    scratch,
    statistics,
    sums,
    whole,
)


@dataclass(frozen=True)
class _Layout:
    """Which statistic a channel of a sample has: `sample_stats` a sample (0: samples share them),
    one for `group` channels."""

    x: Tensor
    sample_stats: int
    group: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all statistics."""
        n, channels = self.x.shape[:2]
        return (n, self.sample_stats) if self.sample_stats else (channels,)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """How these follow samples and channels; the last one is that of a statistic's numbers."""
        own = along("c") if self.group == 1 else Axis()
        return (along("n"), own, Axis()) if self.sample_stats else (own, Axis())

    @property
    def tiling(self) -> Tiling:
        fields = {"n": count_of("n"), "channels": count_of("c")}
        if self.sample_stats:
            fields["sample_stats"] = count_of("c")
        return Tiling(("n", "c") if self.group == 1 else ("n",), fields=fields)

    def stats(self, node: Node) -> Tensor:
        return scratch(node, "stats", *self.shape, 3)

    def means(self, node: Node) -> Tensor:
        return scratch(node, "means", *self.shape, 2)


def batch_norm_forward(node: Node, settings: Settings, *, fixed: bool) -> tuple[Step, ...]:
    """Statistics of each channel over the mini-batch, or (`fixed`) the running ones."""
    x = node.inputs[0]
    layout = _Layout(x, 0, 1)
    made = statistics(
        node, layout.stats(node), planes_of(x), across_samples(x), settings, fixed=fixed
    )
    return (*made, _apply(node, layout))


def batch_norm_backward(node: Node, gradients: Gradients, *, fixed: bool) -> tuple[Step, ...]:
    x = node.inputs[0]
    layout, joint = _Layout(x, 0, 1), across_samples(x)
    steps: list[Step] = []
    needs_means = gradients.dx[0] is not None and not fixed
    if needs_means or gradients.dparams:
        steps.append(_sums(node, gradients, planes_of(x), layout))
    if needs_means:
        weight = node.parameters.get("weight")
        made = steps[0].writes[0]
        steps.append(means(node, made, layout.means(node), joint, weight=weight, w_stat=1))
    steps += _input_gradient(node, gradients, layout, needs_means)
    if gradients.dparams:
        strides = (joint.stat_step, joint.entry_step)
        each = joint.follows["entries"]
        steps.append(_affine(node, gradients, steps[0], joint.entries, *strides, each))
    return tuple(steps)


def group_norm_forward(node: Node, settings: Settings, groups: int) -> tuple[Step, ...]:
    """Statistics of each group of channels of each sample."""
    x = node.inputs[0]
    layout, blocks = _Layout(x, groups, x.shape[1] // groups), of_samples(x, groups)
    made = statistics(node, layout.stats(node), blocks, of_groups(blocks), settings)
    return (*made, _apply(node, layout))


def group_norm_backward(node: Node, gradients: Gradients, groups: int) -> tuple[Step, ...]:
    x = node.inputs[0]
    n, channels = x.shape[:2]
    layout = _Layout(x, groups, channels // groups)
    # of each channel apart: they serve the group and the channel's parameters
    steps = [_sums(node, gradients, replace(planes_of(x), split=False), layout)]
    if gradients.dx[0] is not None:
        steps.append(
            means(
                node,
                steps[0].writes[0],
                layout.means(node),
                of_entries(of_samples(x, groups), layout.group),
                weight=node.parameters.get("weight"),
                w_stat=layout.group,
                w_entry=1,
            )
        )
        steps += _input_gradient(node, gradients, layout, True)
    if gradients.dparams:
        steps.append(_affine(node, gradients, steps[0], n, 1, channels, 1))
    return tuple(steps)


def _sums(node: Node, gradients: Gradients, planes: Groups, layout: _Layout) -> Step:
    stats = read(layout.stats(node), *layout.axes)
    each, shared = layout.sample_stats, layout.group
    return sums(node, gradients, planes, stats, sample_stats=each, shared=shared)


def _fields(node: Node, layout: _Layout, add: bool) -> dict[str, int]:
    n, channels, *rest = node.inputs[0].shape
    return {
        "n": n, "channels": channels, "length": math.prod(rest),
        "sample_stats": layout.sample_stats, "group": layout.group, "accumulate": int(add),
    }  # fmt: skip


def _loops(node: Node) -> tuple[Loop, ...]:
    n, channels, *rest = node.inputs[0].shape
    return (Loop("n", n), Loop("c", channels), Loop("i", math.prod(rest)))


def _where(node: Node) -> tuple[Axis, ...]:
    return (along("n"), along("c"), *whole(node.inputs[0].rank - 2))


def _apply(node: Node, layout: _Layout) -> Step:
    where = _where(node)
    return norm_step(
        node,
        Phase.FW,
        "channel_norm",
        _fields(node, layout, False),
        (
            write(node.output, *where),
            read(node.inputs[0], *where),
            read(layout.stats(node), *layout.axes),
            read(node.parameters.get("weight"), along("c")),
            read(node.parameters.get("bias"), along("c")),
        ),
        _loops(node),
        f"{node.output.count} elements",
        per_sample={"n": 1},
        in_place=((0, 1),),
        tiling=layout.tiling,
    )


def _input_gradient(
    node: Node, gradients: Gradients, layout: _Layout, needs_means: bool
) -> tuple[Step, ...]:
    dx, add = gradients.dx[0], gradients.accumulate[0]
    if dx is None:
        return ()
    where = _where(node)
    step = norm_step(
        node,
        Phase.IG,
        "channel_norm",
        _fields(node, layout, add),
        (
            write(dx, *where, accumulate=add),
            read(gradients.dy, *where),
            read(node.inputs[0], *where),
            read(layout.stats(node), *layout.axes),
            read(layout.means(node) if needs_means else None, *layout.axes),
            read(node.parameters.get("weight"), along("c")),
        ),
        _loops(node),
        f"{dx.count} elements",
        per_sample={"n": 1},
        # over x where dy goes on, to a skip
        in_place=() if add else ((0, 1), (0, 2)),
        tiling=layout.tiling,
    )
    return (step,)


def _affine(
    node: Node,
    gradients: Gradients,
    made: Step,
    entries: int,
    channel_stride: int,
    entry_stride: int,
    each: int,
) -> Step:
    """`entries` of sums make the gradients of each channel, `each` of them of a sample."""
    channels = node.inputs[0].shape[1]
    return norm_step(
        node,
        Phase.WG,
        "norm_affine",
        {
            "channels": channels,
            "entries": entries,
            "channel_stride": channel_stride,
            "entry_stride": entry_stride,
            "accumulate": 0,
        },
        (
            write(gradients.dparams["weight"], along("c")),
            write(gradients.dparams["bias"], along("c")),
            read(made.writes[0], Axis()),
        ),
        (Loop("c", channels), reduction("e", entries)),
        f"{channels} channels",
        per_sample={"entries": each},
    )
