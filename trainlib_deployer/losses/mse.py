"""Mean squared error."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.ir.dtype import DType
from trainlib_deployer.ir.step import Loop, LoopKind, Operand, Phase, Step, along, read, write
from trainlib_deployer.ir.tensor import Shape, Tensor
from trainlib_deployer.losses import LOSSES
from trainlib_deployer.losses.base import Loss, TargetSpec
from trainlib_deployer.spec.fields import choice


@LOSSES.register("mse")
@dataclass(frozen=True, kw_only=True)
class Mse(Loss):
    """Mean squared error, as torch.nn.MSELoss."""

    reduction: str = choice(("mean", "sum"), default="mean", help="over all elements")

    def target(self, output: Shape) -> TargetSpec:
        return TargetSpec(output, DType.F32, None)

    def forward(self, x: Tensor, target: Tensor, loss: Tensor) -> Step:
        operands = (write(loss), read(x, along("i")), read(target, along("i")))
        return self._step(x, Phase.FW, operands, LoopKind.REDUCTION)

    def backward(self, x: Tensor, target: Tensor, dx: Tensor) -> Step:
        operands = (write(dx, along("i")), read(x, along("i")), read(target, along("i")))
        return self._step(x, Phase.IG, operands, LoopKind.PARALLEL)

    def _step(self, x: Tensor, phase: Phase, operands: tuple[Operand, ...], kind: LoopKind) -> Step:
        mean, each = self.reduction == "mean", x.count // x.shape[0]
        return Step(
            name=f"loss.{phase.value}",
            layer="loss",
            phase=phase,
            op="mse",
            fields={"count": x.count, "divisor": float(x.count) if mean else 1.0},
            operands=operands,
            loops=(Loop("i", x.count, kind),),
            macs=0,
            in_place=((0, 1),) if phase is Phase.IG else (),
            comment=f"squared error of {x.count} elements",
            per_sample={"count": each},
            per_step={"divisor": float(each)} if mean else {},
        )

    def torch_call(self, x: str, target: str) -> str:
        options = "" if self.reduction == "mean" else f", reduction={self.reduction!r}"
        return f"F.mse_loss({x}, {target}{options})"
