"""What a schedule's file says, and the learning rates that follow from it."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from trainlib_deployer.spec.fields import choice, integer, number


@dataclass(frozen=True, kw_only=True)
class Schedule(ABC):
    """A learning-rate schedule; its options are named as in torch.optim.lr_scheduler.

    It is evaluated as PyTorch does, by recursion in double: the same f32 for every step.
    """

    type_name: ClassVar[str]

    interval: str = choice(("step", "epoch"), default="step", help="how often the lr changes")
    warmup: int = integer(default=0, minimum=0, help="intervals of linear warm-up before full lr")
    warmup_factor: float = number(
        default=1 / 3, exclusive_minimum=0.0, maximum=1.0, help="of the lr, at the first step"
    )

    @abstractmethod
    def next_lr(self, lr: float, base: float, count: int) -> float:
        """The rate after `count` intervals, from that before; `base` is the optimizer's."""

    @abstractmethod
    def torch_call(self, optimizer: str) -> str | None:
        """The torch.optim.lr_scheduler expression without warm-up; None: no change at all."""

    def rates(self, base: float) -> Iterator[float]:
        """The rate of each interval in turn, for ever: PyTorch's ChainedScheduler."""
        lr = base * self.warmup_factor if self.warmup else base
        yield lr
        count = 0
        rise = 1.0 - self.warmup_factor
        while True:
            count += 1
            if count <= self.warmup:
                done = self.warmup * self.warmup_factor + (count - 1) * rise
                lr = lr * (1.0 + rise / done)
            lr = self.next_lr(lr, base, count)
            yield lr

    def torch_scheduler(self, optimizer: str) -> str:
        """The whole expression."""
        module = "torch.optim.lr_scheduler"
        calls = [call for call in (self.torch_call(optimizer),) if call]
        if self.warmup:
            options = f"start_factor={self.warmup_factor!r}, total_iters={self.warmup}"
            calls.insert(0, f"LinearLR({optimizer}, {options})")
        if not calls:
            calls = [f"ConstantLR({optimizer}, factor=1.0)"]
        named = [f"{module}.{call}" for call in calls]
        return named[0] if len(named) == 1 else f"{module}.ChainedScheduler([{', '.join(named)}])"


def to_f32(value: float) -> float:
    """The nearest f32."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def rate_runs(
    schedule: Schedule, base: float, steps: int, steps_per_epoch: int
) -> tuple[tuple[int, float], ...]:
    """(first step, lr) wherever the f32 lr of `steps` training steps changes; counted from 1."""
    length = 1 if schedule.interval == "step" else steps_per_epoch
    runs: list[tuple[int, float]] = []
    for start, lr in zip(range(1, steps + 1, length), schedule.rates(base), strict=False):
        rounded = to_f32(lr)
        if not runs or runs[-1][1] != rounded:
            runs.append((start, rounded))
    return tuple(runs)
