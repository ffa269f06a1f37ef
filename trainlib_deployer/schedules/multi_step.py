"""A smaller lr from given intervals on."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.schedules import SCHEDULES
from trainlib_deployer.schedules.base import Schedule
from trainlib_deployer.spec.fields import integers, number


@SCHEDULES.register("multi_step")
@dataclass(frozen=True, kw_only=True)
class MultiStep(Schedule):
    """Times gamma at each milestone, as torch.optim.lr_scheduler.MultiStepLR."""

    milestones: tuple[int, ...] = integers(minimum=1, help="intervals done, such as [30, 80]")
    gamma: float = number(default=0.1, minimum=0.0, help="from one lr to the next")

    def next_lr(self, lr: float, base: float, count: int) -> float:
        times = self.milestones.count(count)
        return lr * self.gamma**times if times else lr

    def torch_call(self, optimizer: str) -> str | None:
        milestones = list(self.milestones)
        return f"MultiStepLR({optimizer}, milestones={milestones}, gamma={self.gamma!r})"
