"""Cross-entropy of logits against class indices."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.ir.dtype import DType
from trainlib_deployer.ir.step import Loop, Operand, Phase, Step, along, read, reduction, write
from trainlib_deployer.ir.tensor import Shape, Tensor
from trainlib_deployer.layers.base import ShapeError
from trainlib_deployer.losses import LOSSES
from trainlib_deployer.losses.base import Loss, TargetSpec
from trainlib_deployer.spec.fields import choice, number


@LOSSES.register("cross_entropy")
@dataclass(frozen=True, kw_only=True)
class CrossEntropy(Loss):
    """Softmax cross-entropy of class indices, as torch.nn.CrossEntropyLoss."""

    reduction: str = choice(("mean", "sum"), default="mean", help="over the mini-batch")
    label_smoothing: float = number(default=0.0, minimum=0.0, maximum=1.0, help="0: none")

    def target(self, output: Shape) -> TargetSpec:
        if len(output) != 1:
            raise ShapeError("takes one logit a class, (classes); put a flatten before it")
        return TargetSpec((), DType.I32, output[0])

    def forward(self, x: Tensor, target: Tensor, loss: Tensor) -> Step:
        n, classes = x.shape
        operands = (write(loss), read(x, along("n"), along("c")), read(target, along("n")))
        loops = (reduction("n", n), reduction("c", classes))
        return self._step(x, Phase.FW, operands, loops)

    def backward(self, x: Tensor, target: Tensor, dx: Tensor) -> Step:
        n, classes = x.shape
        rows = along("n")
        operands = (write(dx, rows, along("c")), read(x, rows), read(target, rows))
        loops = (Loop("n", n), Loop("c", classes), reduction("sum", classes))
        return self._step(x, Phase.IG, operands, loops)

    def _step(
        self, x: Tensor, phase: Phase, operands: tuple[Operand, ...], loops: tuple[Loop, ...]
    ) -> Step:
        n, classes = x.shape
        mean = self.reduction == "mean"
        return Step(
            name=f"loss.{phase.value}",
            layer="loss",
            phase=phase,
            op="cross_entropy",
            fields={
                "n": n,
                "classes": classes,
                "divisor": float(n) if mean else 1.0,
                "label_smoothing": float(self.label_smoothing),
            },
            operands=operands,
            loops=loops,
            macs=0,
            comment=f"cross-entropy of {classes} classes",
            per_sample={"n": 1},
            per_step={"divisor": 1.0} if mean else {},
        )

    def torch_call(self, x: str, target: str) -> str:
        options = "" if self.reduction == "mean" else f", reduction={self.reduction!r}"
        if self.label_smoothing:
            options += f", label_smoothing={self.label_smoothing!r}"
        return f"F.cross_entropy({x}, {target}{options})"
