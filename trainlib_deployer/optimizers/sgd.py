"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.ir.elementwise import EACH_TILE
from trainlib_deployer.ir.step import Loop, Phase, Step, along, read, write
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.base import Optimizer
from trainlib_deployer.spec.fields import number


@OPTIMIZERS.register("sgd")
@dataclass(frozen=True, kw_only=True)
class Sgd(Optimizer):
    """Stochastic gradient descent, as torch.optim.SGD."""

    lr: float = number(default=0.001, minimum=0.0, help="learning rate")
    weight_decay: float = number(default=0.0, minimum=0.0, help="L2 penalty")

    def update(self, layer: str, weight: Tensor, gradient: Tensor) -> Step:
        return Step(
            name=f"{weight.name}.{Phase.UPDATE.value}",
            layer=layer,
            phase=Phase.UPDATE,
            op="sgd",
            fields={
                "count": weight.count,
                "lr": float(self.lr),
                "weight_decay": float(self.weight_decay),
            },
            operands=(write(weight, along("i"), accumulate=True), read(gradient, along("i"))),
            loops=(Loop("i", weight.count),),
            macs=0,
            comment=f"{weight.count} parameters",
            cuts={"i": "count"},
            tiling=EACH_TILE,
            linear_update=(-float(self.lr), 1.0 - float(self.lr) * float(self.weight_decay)),
        )

    def torch_call(self, parameters: str) -> str:
        decay = f", weight_decay={self.weight_decay!r}" if self.weight_decay else ""
        return f"torch.optim.SGD({parameters}, lr={self.lr!r}{decay})"
