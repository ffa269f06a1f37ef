"""Drop activations after forward, and compute them again where backward needs them.

The choice follows Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016), in small:
starting from nothing, the run of neighbouring activations is dropped that lowers the peak most for
the work that it repeats, again and again. Each choice is a point of the frontier of bytes against
work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import AGAIN, Kind, Tensor
from trainlib_deployer.passes.liveness import lifetimes, sums_alive
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
    steps = _Steps(schedule)
    names = [name for name in saved if steps.turns({name}) is not None]
    scale = _Scale(graph, schedule)

    def try_dropping(chosen: frozenset[str]) -> tuple[Point, frozenset[str]] | None:
        turns = steps.turns(chosen)
        if turns is None:
            return None
        peak, alive = scale.weigh(turns)
        work = sum(turn.brief.step.macs for turn in turns if turn.again)
        return Point(tuple(name for name in saved if name in chosen), peak, work), alive

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
    turns = _Steps(schedule).turns(point.dropped)
    assert turns is not None
    forward = schedule.steps[: schedule.forward_steps]
    return replace(schedule, steps=(*forward, *(_written(turn) for turn in turns)))


def _runs(names: list[str]) -> Iterator[frozenset[str]]:
    """Neighbours among `names`, which are in the order of the network."""
    for first in range(len(names)):
        for last in range(first + 1, min(first + _RUN_MAX, len(names)) + 1):
            yield frozenset(names[first:last])


def _saved(graph: Graph, schedule: Schedule) -> list[str]:
    """Activations that forward makes and backward reads, in the order of their making."""
    made: dict[str, None] = {}
    for step in schedule.steps[: schedule.forward_steps]:
        made.update((t.root.name, None) for t in step.writes if t.root.kind is Kind.ACTIVATION)
    read = {t.root.name for step in schedule.steps[schedule.forward_steps :] for t in step.reads}
    return [name for name in made if name in read and name != graph.output.root.name]


class _GoneError(Exception):
    """A value that is needed once more has been overwritten."""


@dataclass(frozen=True)
class _Brief:
    """A Step and what it touches, by root; trials walk over these many times."""

    step: Step
    names: tuple[str, ...]
    reads: tuple[Tensor, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True)
class _Turn:
    """A Step of backward, or one of forward `again`; `made`: what has been made again by then."""

    brief: _Brief
    again: bool
    made: tuple[str, ...]


class _Steps:
    """The Steps of a schedule, and the order of those behind forward when activations go."""

    def __init__(self, schedule: Schedule) -> None:
        briefs = [
            _Brief(
                step,
                tuple(dict.fromkeys(tensor.root.name for tensor in step.tensors)),
                tuple(tensor.root for tensor in step.reads),
                tuple(tensor.root.name for tensor in step.writes),
            )
            for step in schedule.steps
        ]
        self._forward = briefs[: schedule.forward_steps]
        self._backward = briefs[schedule.forward_steps :]
        self._read = {root.name for brief in self._backward for root in brief.reads}
        self._writers: dict[str, list[int]] = {}
        for index, brief in enumerate(self._forward):
            for name in brief.writes:
                self._writers.setdefault(name, []).append(index)

    def turns(self, dropped: Collection[str]) -> list[_Turn] | None:
        """Backward makes `dropped` again; None where what that takes is gone by then."""
        out: list[_Turn] = []
        made: tuple[str, ...] = ()
        overwritten: set[str] = set()

        def make(name: str) -> None:
            """Repeat the forward Steps that make `name`, and first what they need."""
            nonlocal made
            made = (*made, name)
            for index in self._writers[name]:
                brief = self._forward[index]
                for source in brief.reads:
                    if source.name != name:
                        need(source, index)
                out.append(_Turn(brief, True, made))

        def need(source: Tensor, index: int) -> None:
            """Have the value that `source` had when forward Step `index` read it."""
            later = any(at >= index for at in self._writers.get(source.name, []))
            if later or source.name in overwritten:
                raise _GoneError
            kept = source.name in self._read and source.name not in dropped
            if source.kind is Kind.ACTIVATION and not kept and source.name not in made:
                make(source.name)

        try:
            for brief in self._backward:
                for name in brief.names:
                    if name in dropped and name not in made:
                        make(name)
                out.append(_Turn(brief, False, made))
                overwritten.update(brief.writes)
        except _GoneError:
            return None
        return out


class _Scale:
    """Weighs an order of Steps: the most bytes alive, found without building the Steps."""

    def __init__(self, graph: Graph, schedule: Schedule) -> None:
        self._lives = {life.tensor.name: life for life in lifetimes(graph, schedule)}
        self._spare = spare_bytes(schedule.steps, 1)
        self._forward = schedule.forward_steps
        touched = _last_touches(schedule.steps)
        self._early = _last_touches(schedule.steps[: schedule.forward_steps])
        end = len(schedule.steps)
        self._kept = {  # after the last Step that touches them
            name
            for name, life in self._lives.items()
            if life.last == end and touched.get(name) != end
        }

    def weigh(self, turns: Sequence[_Turn]) -> tuple[int, frozenset[str]]:
        """The peak, and who is alive then and touched later."""
        firsts: dict[str, int] = {}
        lasts = dict(self._early)
        end = self._forward + len(turns)
        for index, turn in enumerate(turns, self._forward):
            for root in turn.brief.names:
                name = root + AGAIN if root in turn.made else root
                firsts.setdefault(name, index)
                lasts[name] = index + 1
        spans: dict[str, tuple[int, int, int]] = {}
        again = {name + AGAIN: self._lives[name] for name in (turns[-1].made if turns else ())}
        for name, life in (*self._lives.items(), *again.items()):
            early = life.first < self._forward and name not in again
            first = life.first if early else firsts[name]
            last = end if name in self._kept else lasts.get(name, life.last)
            spans[name] = (first, last, life.bytes)
        live = sums_alive(spans.values(), end)
        for index, turn in enumerate(turns, self._forward):
            if not turn.again:
                live[index] -= self._spare.get(turn.brief.step.name, 0)
        peak = max(live)
        at = live.index(peak)
        return peak, frozenset(
            name for name, (first, last, _) in spans.items() if first <= at < last
        )


def _last_touches(steps: Sequence[Step]) -> dict[str, int]:
    """By root, one behind the last Step that touches it."""
    return {t.root.name: i for i, step in enumerate(steps, 1) for t in step.tensors}


def _written(turn: _Turn) -> Step:
    """The Step of a turn, on the memory that stands for what has been made again."""
    step = turn.brief.step
    if not turn.made:
        return step

    def standing(tensor: Tensor) -> Tensor:
        if tensor.root.name not in turn.made:
            return tensor
        # gradients written over an activation keep their names: they are made once
        again = tensor.view_of is None or tensor.kind is Kind.ACTIVATION
        name = tensor.name + AGAIN if again else tensor.name
        return replace(tensor, name=name, view_of=tensor.view_of and standing(tensor.view_of))

    operands = tuple(
        replace(o, tensor=standing(o.tensor)) if o.tensor else o for o in step.operands
    )
    if turn.again:
        step = replace(step, name=step.name + AGAIN, comment=f"{step.comment}, again")
    return replace(step, operands=operands)
