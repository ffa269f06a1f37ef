"""Every schedule, as the registry knows it, against torch.optim.lr_scheduler: the same f32."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from trainlib_deployer.schedules import SCHEDULES
from trainlib_deployer.schedules.base import Schedule, rate_runs

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "constant": [{}],
    "step": [{"step_size": 7, "gamma": 0.3}, {"step_size": 1, "gamma": 0.97}],
    "multi_step": [{"milestones": [3, 9, 9, 40], "gamma": 0.7}],
    "cosine": [{"t_max": 23}, {"t_max": 60, "eta_min": 1e-4}, {"t_max": 1}],
}
WARMUPS = [{}, {"warmup": 5}, {"warmup": 11, "warmup_factor": 0.01}]
CASES = [
    SCHEDULES[name](**options, **warmup)
    for name in SCHEDULES
    for options in OPTIONS[name]
    for warmup in WARMUPS
]


def torch_rates(schedule: Schedule, base: float, count: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    scheduler = eval(
        schedule.torch_scheduler("optimizer"), {"torch": torch, "optimizer": optimizer}
    )
    found = []
    for _ in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize("schedule", CASES, ids=str)
@pytest.mark.parametrize("base", [0.1, 3e-4])
def test_the_rates_are_pytorch_s_to_the_last_bit(schedule: Schedule, base: float) -> None:
    assert list(islice(schedule.rates(base), 200)) == torch_rates(schedule, base, 200)


@pytest.mark.parametrize("schedule", CASES, ids=str)
def test_the_runs_say_the_rate_of_every_step(schedule: Schedule) -> None:
    wanted = np.array(torch_rates(schedule, 0.1, 300), np.float32)
    runs = rate_runs(schedule, 0.1, 300, 10)
    starts, rates = zip(*runs, strict=True)
    index = np.searchsorted(starts, np.arange(1, 301), side="right") - 1
    np.testing.assert_array_equal(np.array(rates, np.float32)[index], wanted)


def test_an_interval_of_an_epoch_changes_the_rate_once_an_epoch() -> None:
    schedule = SCHEDULES["step"](step_size=2, gamma=0.5, interval="epoch")  # type: ignore[call-arg]
    assert rate_runs(schedule, 1.0, 60, 10) == ((1, 1.0), (21, 0.5), (41, 0.25))
