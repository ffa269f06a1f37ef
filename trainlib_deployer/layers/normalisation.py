"""The Steps that normalisation layers share; the layers are in their own files.

Forward: moments of parts of each group, statistics of the groups, then y element by element.
Backward: sums of dy and dy * xhat, from them the parameters' gradients and what dx needs of each
group, then dx element by element.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import (
    Axis,
    Loop,
    Operand,
    Phase,
    Step,
    Tiling,
    along,
    count_of,
    read,
    reduction,
    write,
)
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.layers.base import Gradients

NO_TILING = Tiling()
_ITEMS = 16  # sums of at least so many parts keep every core busy


@dataclass(frozen=True)
class Groups:
    """`each` groups a sample, one behind the other, of `length` contiguous elements."""

    samples: int
    each: int
    length: int
    split: bool = True  # into parts, where there are few groups

    @property
    def groups(self) -> int:
        return self.samples * self.each

    @property
    def parts(self) -> int:
        """Parts of a group that are summed apart: for a sample the same in every mini-batch."""
        return min(self.length, -(-_ITEMS // self.each)) if self.split else 1

    def axes(self, x: Tensor) -> tuple[tuple[Axis, ...], int]:
        """How the axes of `x` follow the groups, and how many of its rows are in each."""
        rows, position = x.shape[0], 1
        while rows % self.groups:
            rows *= x.shape[position]
            position += 1
        rows //= self.groups
        first = along("g") if rows == 1 else Axis((("g", rows), ("k", 1)), name="rows")
        return (first, *whole(x.rank - position)), rows

    def loops(self, rows: int) -> tuple[Loop, ...]:
        inner = (reduction("k", rows),) if rows > 1 else ()
        return (Loop("g", self.groups), *inner, reduction("i", self.length // rows))


@dataclass(frozen=True)
class Joint:
    """How sums make the `stats` statistics of `count` elements each: of `entries` of them, entry e
    of statistic s at s * stat_step + e * entry_step. `follows` is what is for one sample what."""

    stats: int
    entries: int
    count: int
    stat_step: int
    entry_step: int
    follows: Mapping[str, int]

    @property
    def fields(self) -> dict[str, int]:
        return {
            "entries": self.entries, "count": self.count,
            "stat_step": self.stat_step, "entry_step": self.entry_step,
        }  # fmt: skip

    def per_sample(self, stats: str) -> dict[str, int]:
        """With the name of the member that counts the statistics."""
        return {stats if name == "stats" else name: n for name, n in self.follows.items()}

    @property
    def loops(self) -> tuple[Loop, ...]:
        return (Loop("g", self.stats), reduction("e", self.entries))


@dataclass(frozen=True)
class Settings:
    """What tells one normalisation from another."""

    eps: float
    centered: bool = True
    momentum: float = 0.0  # of running statistics, where the layer keeps them


def scratch(node: Node, name: str, *shape: int) -> Tensor:
    return Tensor(f"{node.name}.{name}", Kind.SCRATCH, shape)


def whole(count: int) -> tuple[Axis, ...]:
    """So many axes that no tile cuts."""
    return (Axis(),) * count


def planes_of(x: Tensor) -> Groups:
    """Each channel of each sample."""
    n, channels, *rest = x.shape
    return Groups(n, channels, math.prod(rest), n == 1)


def across_samples(x: Tensor) -> Joint:
    """Each channel of the whole mini-batch, from its planes."""
    planes = planes_of(x)
    n, channels, parts = planes.samples, planes.each, planes.parts
    steps = (parts, 1) if n == 1 else (1, channels)
    follows = {"entries": parts, "count": planes.length}
    return Joint(channels, n * parts, n * planes.length, *steps, follows)


def of_samples(x: Tensor, groups: int) -> Groups:
    """Each sample has so many groups, one behind the other."""
    return Groups(x.shape[0], groups, x.count // (x.shape[0] * groups))


def of_groups(groups: Groups) -> Joint:
    """Each group, from its parts."""
    return of_entries(groups, groups.parts)


def of_entries(groups: Groups, entries: int) -> Joint:
    """Each group, from so many entries one behind the other."""
    return Joint(groups.groups, entries, groups.length, entries, 1, {"stats": groups.each})


def norm_step(
    node: Node,
    phase: Phase,
    op: str,
    fields: Mapping[str, int | float],
    operands: tuple[Operand, ...],
    loops: tuple[Loop, ...],
    comment: str,
    *,
    part: str = "",
    per_sample: Mapping[str, int] | None = None,
    predicting: Mapping[str, int] | None = None,
    in_place: tuple[tuple[int, int], ...] = (),
    tiling: Tiling = NO_TILING,
) -> Step:
    return Step(
        name=f"{node.name}.{phase.value}" + (f".{part}" if part else ""),
        layer=node.name,
        phase=phase,
        op=op,
        fields=fields,
        operands=operands,
        loops=loops,
        macs=0,
        comment=comment,
        in_place=in_place,
        tiling=tiling,
        per_sample=per_sample or {},
        predicting=predicting or {},
    )


def statistics(
    node: Node,
    stats: Tensor,
    groups: Groups,
    joint: Joint,
    settings: Settings,
    *,
    fixed: bool = False,
) -> tuple[Step, ...]:
    """The Steps that make `stats`: of the input, or (`fixed`) the running ones."""
    means, variances = (node.buffers.get(name) for name in ("running_mean", "running_var"))
    parts = None if fixed else scratch(node, "parts", groups.groups, groups.parts, 3)
    switch = {"training": 0} if means and not fixed else {}
    combine = norm_step(
        node,
        Phase.FW,
        "norm_statistics",
        {
            "groups": joint.stats,
            **joint.fields,
            "training": int(not fixed),
            "eps": float(settings.eps),
            "momentum": float(settings.momentum),
        },
        (
            write(stats, along("g"), Axis()),
            *(
                read(t, along("g")) if fixed or t is None else write(t, along("g"), accumulate=True)
                for t in (means, variances)
            ),
            read(parts),
        ),
        joint.loops,
        f"{joint.stats} groups of {joint.count} elements",
        part="statistics",
        per_sample=joint.per_sample("groups"),
        predicting=switch,
    )
    if fixed:
        return (combine,)
    axes, rows = groups.axes(node.inputs[0])
    moments = norm_step(
        node,
        Phase.FW,
        "norm_moments",
        {
            "groups": groups.groups,
            "length": groups.length,
            "parts": groups.parts,
            "centered": int(settings.centered),
            "training": 1,
        },
        (write(parts, along("g"), *whole(2)), read(node.inputs[0], *axes)),
        groups.loops(rows),
        f"{groups.groups} times {groups.length} elements in {groups.parts} parts",
        part="moments",
        per_sample={"groups": groups.each},
        predicting=switch,
        tiling=Tiling(("g",), fields={"groups": count_of("g")}),
    )
    return moments, combine


def sums(
    node: Node,
    gradients: Gradients,
    groups: Groups,
    stats: Operand,
    *,
    sample_stats: int,
    shared: int,
    weight: Tensor | None = None,
) -> Step:
    """Sums of w * dy and w * dy * xhat. `stats` is said with the loops n and c; a sample has
    `sample_stats` of them, each of `shared` groups."""
    x = node.inputs[0]
    axes, loops, tiling = _by_sample(x, groups, sample_stats, shared)
    made = scratch(node, "sums", groups.samples, groups.each, groups.parts, 2)
    return norm_step(
        node,
        Phase.IG,
        "norm_sums",
        {
            "n": groups.samples,
            "groups": groups.each,
            "length": groups.length,
            "parts": groups.parts,
            "sample_stats": sample_stats,
            "shared": shared,
        },
        (
            write(made, along("n"), along("c"), *whole(2)),
            read(gradients.dy, *axes),
            read(x, *axes),
            stats,
            read(weight),
        ),
        (*loops, reduction("i", groups.length)),
        f"{groups.groups} times {groups.length} elements in {groups.parts} parts",
        part="sums",
        per_sample={"n": 1},
        tiling=tiling,
    )


def _by_sample(
    x: Tensor, groups: Groups, sample_stats: int, shared: int
) -> tuple[tuple[Axis, ...], tuple[Loop, ...], Tiling]:
    """How `x` follows samples and their groups, and how the kernel runs on some of both."""
    rows, position = 1, 1
    while rows != groups.each:
        rows *= x.shape[position]
        position += 1
    loops = (Loop("n", groups.samples), Loop("c", groups.each))
    fields = {"n": count_of("n"), "groups": count_of("c")}
    if sample_stats:
        fields["sample_stats"] = count_of("c")
    # a tile would have to end where a statistic of several groups does, and several axes of x may
    # count the groups
    apart = shared == 1 and position <= 2
    tiling = Tiling(("n", "c") if apart else ("n",), fields=fields)
    middle = (along("c"),) if position == 2 else whole(position - 1)
    return (along("n"), *middle, *whole(x.rank - position)), loops, tiling


def means(
    node: Node,
    made: Tensor,
    out: Tensor,
    joint: Joint,
    *,
    weight: Tensor | None,
    w_stat: int = 0,
    w_entry: int = 0,
    centered: bool = True,
) -> Step:
    """What dx needs of each group: the means of w * dy and w * dy * xhat."""
    return norm_step(
        node,
        Phase.IG,
        "norm_means",
        {
            "stats": joint.stats,
            **joint.fields,
            "centered": int(centered),
            "channels": weight.count if weight else 1,
            "w_stat": w_stat,
            "w_entry": w_entry,
        },
        (write(out, along("g"), Axis()), read(made), read(weight)),
        joint.loops,
        f"{joint.stats} groups of {joint.count} elements",
        part="means",
        per_sample=joint.per_sample("stats"),
    )
