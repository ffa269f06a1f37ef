"""Steps over all elements of equally shaped tensors."""

from __future__ import annotations

from collections.abc import Mapping

from trainlib_deployer.ir.step import Loop, Operand, Phase, Step, along, read, write
from trainlib_deployer.ir.tensor import Tensor

_EACH = along("i")


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
    )
