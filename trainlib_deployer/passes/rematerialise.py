"""Drop activations after forward, and compute them again where backward needs them.

The choice follows Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016), in small:
starting from nothing, the run of neighbouring activations is dropped that lowers the peak most for
the work that it repeats, again and again. Each choice is a point of the frontier of bytes against
work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import AGAIN, Kind, Tensor
from trainlib_deployer.passes.liveness import lifetimes, live_bytes
from trainlib_deployer.passes.slice_updates import spare_bytes

_RUN_MAX = 4
_TRIALS_MAX = 3000


@dataclass(frozen=True)
class Point:
    """One trade: which activations are dropped, the peak then, and the work done twice."""

    dropped: tuple[str, ...]
    peak: int
    extra_macs: int


def frontier(graph: Graph, schedule: Schedule) -> tuple[Point, ...]:
    """From nothing dropped to the lowest peak found; each point is lower and repeats more.

    The peak is that of the smallest slices of weight gradients, before the last reordering.
    """
    saved = _saved(graph, schedule)
    names = [name for name in saved if _drop(schedule, {name})]
    spare = spare_bytes(schedule.steps, 1)

    def try_dropping(chosen: frozenset[str]) -> tuple[Point, frozenset[str]] | None:
        dropped = _drop(schedule, chosen)
        order = tuple(name for name in saved if name in chosen)
        return _measured(graph, dropped, order, spare) if dropped else None

    trial = try_dropping(frozenset())
    assert trial is not None
    points = [trial[0]]
    trials = 0
    while trial is not None and trials < _TRIALS_MAX:
        here, at_peak = trial
        best: tuple[float, Point, frozenset[str]] | None = None
        for run in _runs([name for name in names if name in at_peak]):
            trials += 1
            found = try_dropping(frozenset(here.dropped) | run)
            if found is None or found[0].peak >= here.peak:
                continue
            there = found[0]
            gain = (here.peak - there.peak) / max(1, there.extra_macs - here.extra_macs)
            if best is None or gain > best[0]:
                best = (gain, *found)
        trial = best and best[1:]
        points += [trial[0]] if trial else []
    return tuple(points)


def rematerialise(schedule: Schedule, point: Point) -> Schedule:
    """The schedule of a point of its frontier."""
    dropped = _drop(schedule, set(point.dropped))
    assert dropped is not None
    return dropped


def _runs(names: list[str]) -> Iterator[frozenset[str]]:
    """Neighbours among `names`, which are in the order of the network."""
    for first in range(len(names)):
        for last in range(first + 1, min(first + _RUN_MAX, len(names)) + 1):
            yield frozenset(names[first:last])


def _measured(
    graph: Graph, schedule: Schedule, dropped: tuple[str, ...], spare: Mapping[str, int]
) -> tuple[Point, frozenset[str]]:
    """The point of a schedule without `dropped`, and what is still alive at its peak."""
    lives = lifetimes(graph, schedule)
    live = [
        alive - spare.get(step.name, 0)
        for step, alive in zip(schedule.steps, live_bytes(lives, len(schedule.steps)), strict=True)
    ]
    peak = max(live)
    at = live.index(peak)
    work = sum(step.macs for step in schedule.steps if step.name.endswith(AGAIN))
    alive = frozenset(life.tensor.name for life in lives if life.first <= at < life.last)
    return Point(dropped, peak, work), alive


def _saved(graph: Graph, schedule: Schedule) -> list[str]:
    """Activations that forward makes and backward reads, in the order of their making."""
    made: dict[str, None] = {}
    for step in schedule.steps[: schedule.forward_steps]:
        made.update((t.root.name, None) for t in step.writes if t.root.kind is Kind.ACTIVATION)
    read = {t.root.name for step in schedule.steps[schedule.forward_steps :] for t in step.reads}
    return [name for name in made if name in read and name != graph.output.root.name]


def _drop(schedule: Schedule, names: Collection[str]) -> Schedule | None:
    """Backward makes `names` again; None where what that takes is gone by then."""
    try:
        steps = _Backward(schedule, set(names)).steps()
    except _GoneError:
        return None
    return replace(schedule, steps=(*schedule.steps[: schedule.forward_steps], *steps))


class _GoneError(Exception):
    """A value that is needed once more has been overwritten."""


class _Backward:
    """The backward Steps, with forward Steps repeated among them."""

    def __init__(self, schedule: Schedule, dropped: set[str]) -> None:
        self.forward = schedule.steps[: schedule.forward_steps]
        self.backward = schedule.steps[schedule.forward_steps :]
        self.dropped = dropped
        self.kept = {t.root.name for step in self.backward for t in step.reads} - dropped
        self.writers: dict[str, list[int]] = {}
        for index, step in enumerate(self.forward):
            for tensor in step.writes:
                self.writers.setdefault(tensor.root.name, []).append(index)
        self.new: dict[str, Tensor] = {}  # by root: what stands for it now
        self.overwritten: set[str] = set()

    def steps(self) -> list[Step]:
        out: list[Step] = []
        for step in self.backward:
            for tensor in step.tensors:
                if tensor.root.name in self.dropped and tensor.root.name not in self.new:
                    self._make(tensor.root, out)
            out.append(self._renewed(step))
            self.overwritten |= {tensor.root.name for tensor in step.writes}
        return out

    def _make(self, root: Tensor, out: list[Step]) -> None:
        """Repeat the forward Steps that make `root`, and first what they need."""
        self.new[root.name] = replace(root, name=root.name + AGAIN)
        for index in self.writers[root.name]:
            step = self.forward[index]
            for tensor in step.reads:
                source = tensor.root
                if source.name != root.name:
                    self._need(source, index, out)
            again = self._renewed(step)
            out.append(replace(again, name=again.name + AGAIN, comment=f"{again.comment}, again"))

    def _need(self, source: Tensor, index: int, out: list[Step]) -> None:
        """Have the value that `source` had when forward Step `index` read it."""
        later = any(at >= index for at in self.writers.get(source.name, []))
        if later or source.name in self.overwritten:
            raise _GoneError
        if source.kind is Kind.ACTIVATION and source.name not in self.kept | self.new.keys():
            self._make(source, out)

    def _renewed(self, step: Step) -> Step:
        if not any(tensor.root.name in self.new for tensor in step.tensors):
            return step
        operands = tuple(
            replace(o, tensor=self._standing(o.tensor)) if o.tensor else o for o in step.operands
        )
        return replace(step, operands=operands)

    def _standing(self, tensor: Tensor) -> Tensor:
        """The tensor in the memory that stands for its root now."""
        if tensor.root.name not in self.new:
            return tensor
        if tensor.view_of is None:
            return self.new[tensor.name]
        # gradients written over an activation keep their names: they are made once
        name = tensor.name + AGAIN if tensor.kind is Kind.ACTIVATION else tensor.name
        return replace(tensor, name=name, view_of=self._standing(tensor.view_of))
