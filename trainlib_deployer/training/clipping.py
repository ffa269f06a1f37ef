"""The Steps that clip gradients before the updates, as torch.nn.utils does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainlib_deployer.ir.elementwise import EACH_TILE
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

SQUARES = 16  # TL_SQUARES of tl/clip.h
_EACH = along("i")


@dataclass(frozen=True)
class Clipping:
    """`by` is "value" or "norm", as in PyTorch's clip_grad_value_ and clip_grad_norm_."""

    by: str
    limit: float

    @property
    def torch_call(self) -> str:
        """The PyTorch expression over `parameters`."""
        return f"torch.nn.utils.clip_grad_{self.by}_(parameters, {self.limit!r})"


@dataclass(frozen=True)
class Gradient:
    """The gradient of a parameter, and the layer that it belongs to."""

    layer: str
    tensor: Tensor


def clipped(
    clipping: Clipping, gradients: Sequence[Gradient]
) -> tuple[tuple[Step, ...], Mapping[str, Step]]:
    """What comes before all updates, and the Step that clips each gradient, by its name.

    A norm is that of all gradients together: none can be clipped before all are known.
    """
    if clipping.by == "value":
        fields = {"limit": float(clipping.limit)}
        return (), {g.tensor.name: _clip(g, "clip_value", fields) for g in gradients}
    squares = Tensor("gradients.squares", Kind.SCRATCH, (len(gradients), SQUARES))
    factor = Tensor("gradients.factor", Kind.SCRATCH, (1,))
    sums = (_squares(gradient, squares, row) for row, gradient in enumerate(gradients))
    steps = {g.tensor.name: _clip(g, "clip_norm", {}, read(factor, Axis())) for g in gradients}
    return (*sums, _factor(squares, factor, clipping.limit)), steps


def _clip(gradient: Gradient, op: str, fields: Mapping[str, int | float], *others: Operand) -> Step:
    tensor = gradient.tensor
    return Step(
        name=f"{tensor.subject}.clip",
        layer=gradient.layer,
        phase=Phase.UPDATE,
        op=op,
        fields={"count": tensor.count, **fields},
        operands=(write(tensor, _EACH, accumulate=True), *others),
        loops=(Loop("i", tensor.count),),
        macs=0,
        comment=f"{tensor.count} elements",
        cuts={"i": "count"},
        tiling=EACH_TILE,
    )


def _squares(gradient: Gradient, squares: Tensor, row: int) -> Step:
    tensor = gradient.tensor
    own = Tensor(
        f"{squares.name}[{row}:{row + 1}]",
        squares.kind,
        (SQUARES,),
        view_of=squares,
        view_offset=row * SQUARES,
    )
    return Step(
        name=f"{tensor.subject}.norm",
        layer=gradient.layer,
        phase=Phase.UPDATE,
        op="square_sums",
        fields={"count": tensor.count, "accumulate": 0},
        operands=(write(own, Axis()), read(tensor, _EACH)),
        loops=(reduction("i", tensor.count),),
        macs=0,
        comment=f"{tensor.count} elements",
        tiling=Tiling(("i",), (), {"count": count_of("i")}, {"accumulate": 1}),
    )


def _factor(squares: Tensor, factor: Tensor, limit: float) -> Step:
    return Step(
        name="gradients.scale",
        layer="gradients",
        phase=Phase.UPDATE,
        op="clip_factor",
        fields={"count": squares.count, "max_norm": float(limit)},
        operands=(write(factor, Axis()), read(squares, Axis())),
        loops=(),
        macs=0,
        comment=f"of {squares.shape[0]} gradients",
    )
