"""The optimizer's lr, behind a warm-up or from the start."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.schedules import SCHEDULES
from trainlib_deployer.schedules.base import Schedule


@SCHEDULES.register("constant")
@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The optimizer's lr; with `warmup`, torch.optim.lr_scheduler.LinearLR."""

    def next_lr(self, lr: float, base: float, count: int) -> float:
        return lr

    def torch_call(self, optimizer: str) -> str | None:
        return None
