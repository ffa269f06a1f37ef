"""How much the allocator may search: counted in nodes, guarded by a clock."""

from __future__ import annotations

import time

_NODES_BETWEEN_LOOKS = 128


class Budget:
    """Search nodes, the same on every machine, and a time limit that only guards."""

    def __init__(self, nodes: int, time_limit_s: float | None = None) -> None:
        self.nodes = nodes
        self.spent = 0
        self.exhausted = nodes <= 0
        self.time_limit_hit = False
        self._deadline = None if time_limit_s is None else time.monotonic() + time_limit_s
        self._look_at = 0

    def spend(self, nodes: int) -> bool:
        """Spend some nodes; False when there are not so many left, and from then on."""
        if self.spent + nodes > self.nodes or self.out_of_time():
            self.exhausted = True
            return False
        self.spent += nodes
        return True

    def out_of_time(self) -> bool:
        """Look at the clock now and then; once the time is up it stays up."""
        if self._deadline is not None and not self.time_limit_hit and self.spent >= self._look_at:
            self._look_at = self.spent + _NODES_BETWEEN_LOOKS
            self.time_limit_hit = time.monotonic() >= self._deadline
        return self.time_limit_hit

    def share(self, nodes: int) -> Budget:
        """A budget of its own, within what is left of this one; `spend` here what it spent."""
        part = Budget(min(nodes, self.nodes - self.spent))
        part._deadline = self._deadline
        return part
