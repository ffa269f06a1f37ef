"""Adagrad: steps scaled by the root of all squares so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.base import (
    EPS_MINIMUM,
    Optimizer,
    Rate,
    torch_expression,
)
from trainlib_deployer.spec.fields import number


@OPTIMIZERS.register("adagrad")
@dataclass(frozen=True, kw_only=True)
class Adagrad(Optimizer):
    """Adagrad, as torch.optim.Adagrad with sums that start at 0."""

    amplifies = True

    lr: float = number(default=0.01, minimum=0.0, help="learning rate")
    lr_decay: float = number(default=0.0, minimum=0.0, help="the n-th lr is lr / (1 + (n-1) * it)")
    eps: float = number(default=1e-10, minimum=EPS_MINIMUM, help="added to the root")
    weight_decay: float = number(default=0.0, minimum=0.0, help="L2 penalty")

    @property
    def state(self) -> tuple[str, ...]:
        return ("sum",)

    def rate(self, scheduled: bool) -> Rate | None:
        if not self.lr_decay:
            return super().rate(scheduled)
        return Rate("tl_decayed_rate", 1, (self.lr_decay,))

    @property
    def kernel(self) -> tuple[str, Mapping[str, float]]:
        fields = {"lr": self.lr, "eps": self.eps, "weight_decay": self.weight_decay}
        return "adagrad", fields

    def torch_call(self, parameters: str) -> str:
        options = {"lr": self.lr, "eps": self.eps}
        may_be_0 = {"lr_decay": self.lr_decay, "weight_decay": self.weight_decay}
        return torch_expression("torch.optim.Adagrad", parameters, options, may_be_0)
