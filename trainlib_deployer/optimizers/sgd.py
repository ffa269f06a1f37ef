"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trainlib_deployer.ir.step import Linear, Rated
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.base import Optimizer, Rate, torch_expression
from trainlib_deployer.spec.field import OptionError
from trainlib_deployer.spec.fields import boolean, number


@OPTIMIZERS.register("sgd")
@dataclass(frozen=True, kw_only=True)
class Sgd(Optimizer):
    """Stochastic gradient descent, as torch.optim.SGD."""

    lr: float = number(default=0.001, minimum=0.0, help="learning rate")
    momentum: float = number(default=0.0, minimum=0.0, help="0: keeps no state")
    dampening: float = number(default=0.0, help="of the gradient in the momentum")
    nesterov: bool = boolean(default=False, help="look ahead along the momentum")
    weight_decay: float = number(default=0.0, minimum=0.0, help="L2 penalty")

    def __post_init__(self) -> None:
        if self.nesterov and (not self.momentum or self.dampening):
            raise OptionError("nesterov needs a momentum and no dampening")

    @property
    def state(self) -> tuple[str, ...]:
        return ("momentum_buffer",) if self.momentum else ()

    def rate(self, scheduled: bool) -> Rate | None:
        if not self.momentum or not (scheduled or self.dampening):
            return super().rate(scheduled)
        # PyTorch's first step takes the gradient undamped
        return Rate("tl_momentum_rate", 2, (1.0 - self.dampening,))

    def linear(self, rate: Tensor | None) -> Linear | None:
        if self.momentum:
            return None
        if rate:
            decay = Rated(rate, 1.0, -float(self.weight_decay)) if self.weight_decay else 1.0
            return Linear(Rated(rate, 0.0, -1.0), decay)
        return Linear(-float(self.lr), 1.0 - self.lr * self.weight_decay)

    @property
    def kernel(self) -> tuple[str, Mapping[str, float]]:
        fields = {"lr": self.lr, "weight_decay": self.weight_decay}
        if not self.momentum:
            return "sgd", fields
        fields |= {"momentum": self.momentum, "nesterov": float(self.nesterov)}
        return "sgd_momentum", fields

    def torch_call(self, parameters: str) -> str:
        options = {"lr": self.lr}
        may_be_0 = {
            "momentum": self.momentum,
            "dampening": self.dampening if self.momentum else 0.0,
            "nesterov": self.nesterov,
            "weight_decay": self.weight_decay,
        }
        return torch_expression("torch.optim.SGD", parameters, options, may_be_0)
