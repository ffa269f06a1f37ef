"""Says why a plan does not fit: need and limit, the peak, and what cannot be together."""

from __future__ import annotations

from collections.abc import Sequence

from trainlib_deployer.errors import Diagnostic, DoesNotFitError
from trainlib_deployer.memory.budget import Budget
from trainlib_deployer.memory.explain import minimal_infeasible
from trainlib_deployer.memory.problem import Buffer, Plan, Problem
from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.spec.sizes import format_bytes

_SHOWN = 5  # buffers of a message
_SHOWN_TOGETHER = 12
_SEARCH_NODES = 20_000


class LevelsFullError(DoesNotFitError):
    """Levels overflow by `excess_bytes` together; one Diagnostic each."""

    def __init__(self, diagnostics: Sequence[Diagnostic], excess_bytes: int) -> None:
        super().__init__(diagnostics)
        self.excess_bytes = excess_bytes


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
    """One level's need and limit, what is alive at its peak, and what cannot be together."""
    time = peak_time(problem)
    alive = [b for b in problem.buffers if b.first <= time < b.last]
    reserved = device.reserved(level)
    words = f" ({format_bytes(reserved)} of it are reserved)" if reserved else ""
    return Diagnostic(
        f"{level.upper()} needs {format_bytes(plan.arena_bytes)}, the device has"
        f" {format_bytes(device.capacity(level))}{words}. The peak is at step {steps[time]},"
        f" with {_names(alive)} alive.{_together(problem, device.available(level))}"
    )


def tile_does_not_fit(step: str, least_bytes: int, device: DeviceSpec) -> Diagnostic:
    """A Step whose smallest tile is larger than L1."""
    reserved = device.reserved("l1")
    need = -(-(least_bytes + reserved) // 1024)
    words = f" ({format_bytes(reserved)} of it are reserved)" if reserved else ""
    return Diagnostic(
        f"L1 needs {format_bytes(least_bytes)} for the smallest tile of step {step}, the device has"
        f" {format_bytes(device.capacity('l1'))}{words}.",
        hint=f"Try --l1 {need}k.",
    )


def _together(problem: Problem, limit: int) -> str:
    found = minimal_infeasible(problem, limit, Budget(_SEARCH_NODES))
    if found is None:
        return ""
    if len(found.buffers) == 1:
        return f" {_names(found.buffers)} alone does not fit."
    return f" Already {_names(found.buffers, _SHOWN_TOGETHER)} do not fit together."


def _names(buffers: Sequence[Buffer], most: int = _SHOWN) -> str:
    """The largest with their sizes, the rest as a sum."""
    order = sorted(buffers, key=lambda b: (-b.size, b.name))
    rest = order[most:]
    shown = [f"{b.name} ({format_bytes(b.size)})" for b in order[:most]]
    if len(rest) == 1:
        shown.append(f"{rest[0].name} ({format_bytes(rest[0].size)})")
    elif rest:
        shown.append(f"{len(rest)} smaller ({format_bytes(sum(b.size for b in rest))})")
    return ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else shown[0]
