"""Schedule order chosen to lower the peak, where the data leave a choice.

Around each Step at the peak, a window of Steps is put into its best order by dynamic programming
over the sets of Steps that have run (what is alive during a Step depends on the set alone); the
order is the best one unless there are too many sets. A round counts when it lowers every such
window, for the peak is the largest of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from heapq import nsmallest

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Kind
from trainlib_deployer.passes.base import Pass
from trainlib_deployer.passes.liveness import Life, lifetimes, live_bytes

WINDOW = 16
ROUNDS_MAX = 50
SETS_MAX = 2000


def _run(graph: Graph, schedule: Schedule) -> tuple[Graph, Schedule]:
    for _ in range(ROUNDS_MAX):
        better = _round(graph, schedule)
        if better is None:
            break
        schedule = better
    return graph, schedule


def _round(graph: Graph, schedule: Schedule) -> Schedule | None:
    """The same Steps with a lower peak, or None."""
    start: int | None = None
    while True:
        lives = lifetimes(graph, schedule)
        live = live_bytes(lives, len(schedule.steps))
        peak = max(live, default=0)
        if start is not None and peak < start:
            return schedule
        start = peak
        better = _improved(schedule, lives, live.index(peak) if live else 0, peak)
        if better is None:
            return None
        schedule = better


def _judged(schedule: Schedule) -> int:
    """The first Step behind the loss."""
    made = (any(t.kind is Kind.LOSS for t in step.writes) for step in schedule.steps)
    return 1 + next(index for index, makes in enumerate(made) if makes)


def _improved(schedule: Schedule, lives: Sequence[Life], at: int, peak: int) -> Schedule | None:
    """The window around Step `at` below the peak; the parts stay apart, and the loss, of which
    nothing may be learned where it is not finite, before all behind it."""
    start, end = next((part for part in schedule.parts if at < part[1]), (0, 0))
    if start > 0:
        start = max(start, min(_judged(schedule), at))
    first = max(start, min(at - WINDOW // 2, end - WINDOW))
    last = min(end, first + WINDOW)
    window = schedule.steps[first:last]
    order = _Window(window, lives, first, len(schedule.steps)).best(peak)
    if order is None:
        return None
    moved = tuple(window[k] for k in order)
    steps = schedule.steps[:first] + moved + schedule.steps[last:]
    return replace(schedule, steps=steps)


class _Window:
    """A few Steps, the memory that they touch, and who must wait for whom; sets are bit masks."""

    def __init__(self, steps: Sequence[Step], lives: Sequence[Life], first: int, end: int) -> None:
        """`steps` begin at `first` of `end` Steps in all."""
        self.count = len(steps)
        last = first + self.count
        touched = [{tensor.root.name for tensor in step.tensors} for step in steps]
        written = [{tensor.root.name for tensor in step.writes} for step in steps]
        self.waits_for = [
            sum(1 << a for a in range(b) if written[a] & touched[b] or touched[a] & written[b])
            for b in range(self.count)
        ]
        self.through = 0
        self.pieces: list[tuple[int, int, bool, bool]] = []  # bytes, who, before, after
        for life in lives:
            who = sum(1 << k for k in range(self.count) if life.tensor.name in touched[k])
            if who:
                # given before the first Step, or perhaps read after the last
                before = life.first < first or life.tensor.kind.is_given
                after = life.last > last or life.last == end
                self.pieces.append((life.bytes, who, before, after))
            elif life.first < last and life.last > first:
                self.through += life.bytes

    def best(self, limit: int) -> list[int] | None:
        """The order with the lowest peak, if that is below `limit`; the earliest one of equals."""
        whole = (1 << self.count) - 1
        reached: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}
        for _ in range(self.count):
            following: dict[int, tuple[int, tuple[int, ...]]] = {}
            for done, (peak, order) in reached.items():
                for k in range(self.count):
                    if done >> k & 1 or self.waits_for[k] & ~done:
                        continue
                    most = max(peak, self._live(done, k))
                    state = (most, (*order, k))
                    key = done | 1 << k
                    if most < limit and (key not in following or state < following[key]):
                        following[key] = state
            if len(following) > SETS_MAX:
                following = dict(nsmallest(SETS_MAX, following.items(), key=lambda item: item[1]))
            reached = following
        return list(reached[whole][1]) if whole in reached else None

    def _live(self, done: int, k: int) -> int:
        """The bytes alive while Step k runs after those in `done`."""
        begun, rest = done | 1 << k, ~done
        return self.through + sum(
            size
            for size, who, before, after in self.pieces
            if (before or who & begun) and (after or who & rest)
        )


REORDER = Pass("reorder", "run Steps in the order that keeps the fewest bytes alive", _run)
