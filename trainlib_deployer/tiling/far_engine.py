"""The engine between L2 and L3: transfers one after the other, while cores compute."""

from __future__ import annotations

from trainlib_deployer.tiling.cost import FAR_ISSUE_CYCLES

UNDER_WAY_MAX = 8  # TL_FAR_COPIES_MAX of tl/port.h


class FarEngine:
    """Knows when each transfer has landed; times are cycles."""

    def __init__(self) -> None:
        self._landed: list[float] = []

    @property
    def started(self) -> int:
        """How many transfers so far."""
        return len(self._landed)

    def start(self, now: float, cycles: float) -> float:
        """Start one that takes so long; when core 0 goes on: it waits where too many are on."""
        full = self._landed[-UNDER_WAY_MAX] if self.started >= UNDER_WAY_MAX else 0.0
        now = max(now, full) + FAR_ISSUE_CYCLES
        before = self._landed[-1] if self._landed else 0.0
        self._landed.append(max(now, before) + cycles)
        return now

    def landed(self, number: int) -> float:
        """When so many have landed."""
        return self._landed[number - 1] if number > 0 else 0.0
