"""Says why a plan does not fit: the need, the limit, and the Step at the peak."""

from __future__ import annotations

from collections.abc import Sequence

from trainlib_deployer.errors import Diagnostic
from trainlib_deployer.memory.problem import Buffer, Plan, Problem
from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.spec.sizes import format_bytes

_LARGEST_SHOWN = 5


def live_bytes(problem: Problem, time: int) -> int:
    """The bytes alive at one Step."""
    return sum(b.size for b in problem.buffers if b.first <= time < b.last)


def peak_time(problem: Problem) -> int:
    """The first Step where most bytes are alive."""
    times = sorted({b.first for b in problem.buffers})
    return max(times, key=lambda time: live_bytes(problem, time), default=0)


def does_not_fit(
    level: str, problem: Problem, plan: Plan, steps: Sequence[str], device: DeviceSpec
) -> Diagnostic:
    """The need, the limit, the Step at the peak, and the largest buffers alive there."""
    time = peak_time(problem)
    alive = [b for b in problem.buffers if b.first <= time < b.last]
    largest = sorted(alive, key=lambda b: (-b.size, b.name))[:_LARGEST_SHOWN]
    limit = device.available(level)
    reserved = device.capacity(level) - limit
    words = f" ({format_bytes(reserved)} of it are reserved)" if reserved else ""
    return Diagnostic(
        f"{level.upper()} needs {format_bytes(plan.arena_bytes)}, the device has"
        f" {format_bytes(device.capacity(level))}{words}; the peak is at step {steps[time]},"
        f" where {_names(largest)} are alive.",
        hint=f"Try --{level} {_round_up(plan.arena_bytes + reserved)} or a smaller network.",
    )


def _names(buffers: Sequence[Buffer]) -> str:
    return ", ".join(f"{b.name} ({format_bytes(b.size)})" for b in buffers)


def _round_up(count: int) -> str:
    return f"{-(-count // 1024)}k"
