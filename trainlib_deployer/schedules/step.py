"""A smaller lr every so many intervals."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.schedules import SCHEDULES
from trainlib_deployer.schedules.base import Schedule
from trainlib_deployer.spec.fields import integer, number


@SCHEDULES.register("step")
@dataclass(frozen=True, kw_only=True)
class StepDecay(Schedule):
    """Times gamma every step_size intervals, as torch.optim.lr_scheduler.StepLR."""

    step_size: int = integer(minimum=1, help="intervals of one lr")
    gamma: float = number(default=0.1, minimum=0.0, help="from one lr to the next")

    def next_lr(self, lr: float, base: float, count: int) -> float:
        return lr if count % self.step_size else lr * self.gamma

    def torch_call(self, optimizer: str) -> str | None:
        return f"StepLR({optimizer}, step_size={self.step_size}, gamma={self.gamma!r})"
