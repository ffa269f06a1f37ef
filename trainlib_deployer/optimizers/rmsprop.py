"""RMSprop: steps scaled by the root of the gradients' recent mean square."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.base import EPS_MINIMUM, Optimizer, torch_expression
from trainlib_deployer.spec.fields import boolean, number


@OPTIMIZERS.register("rmsprop")
@dataclass(frozen=True, kw_only=True)
class RmsProp(Optimizer):
    """RMSprop, as torch.optim.RMSprop."""

    amplifies = True

    lr: float = number(default=0.01, minimum=0.0, help="learning rate")
    alpha: float = number(default=0.99, minimum=0.0, maximum=1.0, help="of the mean square")
    eps: float = number(default=1e-8, minimum=EPS_MINIMUM, help="added to the root")
    momentum: float = number(default=0.0, minimum=0.0, help="0: keeps no momentum")
    centered: bool = boolean(default=False, help="scale by the variance in place of the square")
    weight_decay: float = number(default=0.0, minimum=0.0, help="L2 penalty")

    @property
    def state(self) -> tuple[str, ...]:
        momentum = ("momentum_buffer",) if self.momentum else ()
        return ("square_avg", *momentum, *(("grad_avg",) if self.centered else ()))

    @property
    def operands(self) -> tuple[str, ...]:
        return ("square_avg", "momentum_buffer", "grad_avg")

    @property
    def kernel(self) -> tuple[str, Mapping[str, float]]:
        fields = {
            "lr": self.lr,
            "alpha": self.alpha,
            "fresh": 1.0 - self.alpha,
            "eps": self.eps,
            "momentum": self.momentum,
            "weight_decay": self.weight_decay,
        }
        return "rmsprop", fields

    def torch_call(self, parameters: str) -> str:
        options = {"lr": self.lr, "alpha": self.alpha, "eps": self.eps}
        may_be_0 = {
            "momentum": self.momentum,
            "centered": self.centered,
            "weight_decay": self.weight_decay,
        }
        return torch_expression("torch.optim.RMSprop", parameters, options, may_be_0)
