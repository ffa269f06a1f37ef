"""Steps over all elements of equally shaped tensors of the mini-batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from trainlib_deployer.ir.step import (
    Loop,
    Operand,
    Phase,
    Step,
    Tiling,
    along,
    count_of,
    read,
    write,
)
from trainlib_deployer.ir.tensor import Tensor

_EACH = along("i")
EACH_TILE = Tiling(("i",), fields={"count": count_of("i")})


def elementwise_step(
    layer: str,
    phase: Phase,
    op: str,
    out: Tensor,
    inputs: tuple[Tensor, ...],
    *,
    accumulate: bool | None = None,
    fields: Mapping[str, int | float] | None = None,
    name: str | None = None,
    comment: str = "",
) -> Step:
    """One kernel call over `out.count` elements; `accumulate` None: the struct has no such flag."""
    flag = {} if accumulate is None else {"accumulate": int(accumulate)}
    operands: tuple[Operand, ...] = (write(out, _EACH, accumulate=bool(accumulate)),)
    return Step(
        name=name or f"{layer}.{phase.value}",
        layer=layer,
        phase=phase,
        op=op,
        fields={"count": out.count, **flag, **(fields or {})},
        operands=operands + tuple(read(tensor, _EACH) for tensor in inputs),
        loops=(Loop("i", out.count),),
        macs=0,
        comment=comment or f"{out.count} elements",
        # an accumulating output holds a value of its own
        in_place=() if accumulate else tuple((0, index + 1) for index in range(len(inputs))),
        tiling=EACH_TILE,
        per_sample={"count": out.count // out.shape[0]},
    )


def copy_step(
    name: str, layer: str, phase: Phase, out: Tensor, source: Tensor, *, accumulate: bool = False
) -> Step:
    """`out` = `source` under another name or shape, or `out` += `source`."""
    step = elementwise_step(
        layer,
        phase,
        "pass",
        out,
        (source,),
        accumulate=accumulate,
        name=name,
        comment=f"{out.name} {'+=' if accumulate else '='} {source.name}, {out.count} elements",
    )
    return replace(step, is_copy=not accumulate)
