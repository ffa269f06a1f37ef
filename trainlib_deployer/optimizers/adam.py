"""Adam: steps scaled by the root of the gradients' mean square."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.base import (
    EPS_MINIMUM,
    Optimizer,
    Rate,
    torch_expression,
)
from trainlib_deployer.spec.fields import number, numbers


@OPTIMIZERS.register("adam")
@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam, as torch.optim.Adam; weight_decay is an L2 penalty."""

    amplifies = True
    torch_name = "torch.optim.Adam"

    lr: float = number(default=0.001, minimum=0.0, help="learning rate")
    betas: tuple[float, float] = numbers(
        2, default=(0.9, 0.999), minimum=0.0, below=1.0, help="of the means of gradient and square"
    )
    eps: float = number(default=1e-8, minimum=EPS_MINIMUM, help="added to the root")
    weight_decay: float = number(default=0.0, minimum=0.0, help="L2 penalty")

    @property
    def state(self) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    @property
    def decay(self) -> float:
        """The weight's own decay, in a step of lr 1."""
        return 0.0

    def rate(self, scheduled: bool) -> Rate | None:
        # 1 - beta^step from beta's logarithm: 1 - 0.999f has five digits
        logs = (max(math.log(beta), -100.0) if beta else -100.0 for beta in self.betas)
        return Rate("tl_adam_rate", 3, (*logs, self.decay))

    @property
    def kernel(self) -> tuple[str, Mapping[str, float]]:
        fields = {
            "beta1": self.betas[0],
            "beta2": self.betas[1],
            "fresh1": 1.0 - self.betas[0],
            "fresh2": 1.0 - self.betas[1],
            "eps": self.eps,
            "weight_decay": self.weight_decay,
        }
        return self.type_name, fields

    def torch_call(self, parameters: str) -> str:
        options = {
            "lr": self.lr,
            "betas": self.betas,
            "eps": self.eps,
            "weight_decay": self.weight_decay,
        }
        return torch_expression(self.torch_name, parameters, options, {})
