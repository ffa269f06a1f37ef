"""Half a cosine from the optimizer's lr down."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainlib_deployer.schedules import SCHEDULES
from trainlib_deployer.schedules.base import Schedule
from trainlib_deployer.spec.fields import integer, number


@SCHEDULES.register("cosine")
@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """From lr to eta_min in t_max intervals, as torch.optim.lr_scheduler.CosineAnnealingLR."""

    t_max: int = integer(minimum=1, help="intervals from the largest lr to the smallest")
    eta_min: float = number(default=0.0, minimum=0.0, help="the smallest lr")

    def next_lr(self, lr: float, base: float, count: int) -> float:
        if (count - 1 - self.t_max) % (2 * self.t_max) == 0:
            return lr + (base - self.eta_min) * (1 - math.cos(math.pi / self.t_max)) / 2
        return (1 + math.cos(math.pi * count / self.t_max)) / (
            1 + math.cos(math.pi * (count - 1) / self.t_max)
        ) * (lr - self.eta_min) + self.eta_min

    def torch_call(self, optimizer: str) -> str | None:
        return f"CosineAnnealingLR({optimizer}, T_max={self.t_max}, eta_min={self.eta_min!r})"
