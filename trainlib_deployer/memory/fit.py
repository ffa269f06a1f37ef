"""Graph → the smallest change of its Schedule that fits the device, and its MemoryPlan.

First the passes that cost no time; then weight gradients in slices; then activations dropped and
made again. The first that fits without L3 is taken; else the fastest of the first that fits at all
and of those that run for parts of the mini-batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from trainlib_deployer.errors import Diagnostic, DoesNotFitError
from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.memory.need import LevelsFullError
from trainlib_deployer.memory.place import Effort, plan_memory
from trainlib_deployer.memory.plan import LEVELS, MemoryPlan
from trainlib_deployer.passes import LAST, PASSES, SHORTER, SLICING, Saving, apply_passes
from trainlib_deployer.passes.liveness import peak_bytes
from trainlib_deployer.passes.rematerialise import Point, frontier, rematerialise
from trainlib_deployer.passes.sample_parts import (
    SAMPLE_PARTS,
    keep_gradients,
    parts_for,
    sample_parts,
)
from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.spec.sizes import format_bytes
from trainlib_deployer.tiling.search import tiler_of
from trainlib_deployer.training.differentiate import differentiate

REMATERIALISE = "rematerialise"
PASS_NAMES = (*(item.name for item in PASSES), SAMPLE_PARTS, REMATERIALISE)


@dataclass(frozen=True)
class Remat:
    """How far to go with dropping activations: a peak in bytes, or a part of it, or the lowest."""

    peak_bytes: int | None = None
    saved_percent: float | None = None

    def reached(self, peak: int, start: int) -> bool:
        """Whether a peak is low enough, of one that was `start`."""
        if self.peak_bytes is not None:
            return peak <= self.peak_bytes
        if self.saved_percent is not None:
            return peak <= start * (1 - self.saved_percent / 100)
        return False


@dataclass(frozen=True)
class Shrinking:
    """What may be done to make a training step small; `without` names passes to leave out."""

    without: Collection[str] = ()
    remat: Remat | None = None


@dataclass(frozen=True)
class Fitted:
    """A schedule with its memory plan, and what each pass saved."""

    graph: Graph
    schedule: Schedule
    savings: tuple[Saving, ...]
    memory: MemoryPlan

    @property
    def cycles(self) -> int:
        """Predicted, of a whole training step."""
        schedule, memory = self.schedule, self.memory
        cycles = [memory.tiles[step.name].predicted.cycles for step in schedule.steps]
        once = len(cycles) - schedule.update_steps
        of_pass = sum(cycles[:once]) + memory.far_wait_cycles
        return round(schedule.passes * of_pass + sum(cycles[once:]))


@dataclass(frozen=True)
class Candidate:
    """A schedule that may fit, and how it became small."""

    graph: Graph
    schedule: Schedule
    savings: tuple[Saving, ...]

    @cached_property
    def peak(self) -> int:
        """The most bytes alive at one Step."""
        return peak_bytes(self.graph, self.schedule)

    @cached_property
    def tile_bytes(self) -> int:
        """The most that the smallest tile of a Step takes."""
        return max(tiler_of(step, frozenset(), 1).least_bytes for step in self.schedule.steps)


def fit(graph: Graph, device: DeviceSpec, effort: Effort, shrinking: Shrinking) -> Fitted:
    """The first candidate that fits; LevelsFullError of the one nearest to it when none does."""
    far: Fitted | None = None
    failures: list[LevelsFullError] = []
    skipped: Candidate | None = None
    for found in candidates(graph, shrinking):
        if hopeless(found, device):
            if skipped is None or found.peak < skipped.peak:
                skipped = found
            continue
        if far is not None and found.peak > _room(device, LEVELS[:-1]):
            continue
        try:
            fitted = _planned(found, device, effort)
        except LevelsFullError as error:
            failures.append(error)
            continue
        if fitted.memory.home != "l3":
            return fitted
        far = far or fitted
    ways = [far] if far else []
    parts = in_parts(graph, device, shrinking)
    if parts and not hopeless(parts, device):
        try:
            ways.append(_planned(parts, device, effort))
        except LevelsFullError as error:
            failures.append(error)
    if ways:
        return min(ways, key=lambda way: way.cycles)
    if failures:
        raise min(failures, key=lambda error: error.excess_bytes)
    assert skipped is not None
    return _planned(skipped, device, effort)


def hopeless(candidate: Candidate, device: DeviceSpec) -> bool:
    """Whether it needs no plan to see that a candidate does not fit.

    All levels together hold less than what is alive at once, or L1 less than a smallest tile.
    """
    return candidate.peak > _room(device, LEVELS) or candidate.tile_bytes > device.available("l1")


def _room(device: DeviceSpec, levels: Iterable[str]) -> int:
    return sum(device.available(level) for level in levels)


def _planned(found: Candidate, device: DeviceSpec, effort: Effort) -> Fitted:
    memory = plan_memory(found.graph, found.schedule, device, effort)
    return Fitted(found.graph, found.schedule, found.savings, memory)


def shortened(graph: Graph, without: Collection[str] = ()) -> Candidate:
    """After the passes that cost no time."""
    return Candidate(*apply_passes(graph, differentiate(graph), SHORTER, without))


def candidates(graph: Graph, shrinking: Shrinking) -> Iterator[Candidate]:
    """From the fastest to the smallest; with `remat`, those whose peak is as low as asked."""
    without = shrinking.without
    short = shortened(graph, without)
    if shrinking.remat is None:
        yield from _sliced(short, without)
    if REMATERIALISE in without or graph.training is None:
        return
    points = frontier(short.graph, short.schedule)
    if shrinking.remat is None:
        for point in points[1:]:
            yield from _sliced(_dropped(short, point), without)
    else:
        yield from _asked(short, points, shrinking.remat, without)


def _sliced(short: Candidate, without: Collection[str]) -> Iterator[Candidate]:
    for slicing in SLICING:
        if slicing and all(item.name in without for item in slicing):
            continue
        graph, schedule, savings = apply_passes(
            short.graph, short.schedule, (*slicing, *LAST), without
        )
        yield Candidate(graph, schedule, short.savings + savings)


def in_parts(graph: Graph, device: DeviceSpec, shrinking: Shrinking) -> Candidate | None:
    """With Steps of tensors that are large for L2 cut into parts of the mini-batch."""
    without = shrinking.without
    if not device.available(LEVELS[2]) or shrinking.remat or SAMPLE_PARTS in without:
        return None
    # the first pass makes the schedule anew: what is to be cut is known behind it
    first, *others = SHORTER
    graph, schedule, folded = apply_passes(graph, differentiate(graph), (first,), without)
    parts = parts_for(graph, schedule, device.available(LEVELS[1]))
    if parts is None:
        return None
    passes = (*others, *LAST, sample_parts(parts))
    graph, schedule, savings = apply_passes(graph, keep_gradients(schedule, parts), passes, without)
    return Candidate(graph, schedule, folded + savings)


def _first(short: Candidate, without: Collection[str]) -> Candidate:
    """With gradients whole."""
    return next(_sliced(short, without))


def _dropped(short: Candidate, point: Point) -> Candidate:
    before = peak_bytes(short.graph, short.schedule)
    schedule = rematerialise(short.schedule, point)
    saving = Saving(REMATERIALISE, before, peak_bytes(short.graph, schedule), point.extra_macs)
    return replace(short, schedule=schedule, savings=(*short.savings, saving))


def _asked(
    short: Candidate, points: tuple[Point, ...], remat: Remat, without: Collection[str]
) -> Iterator[Candidate]:
    """Candidates that reach what `remat` asks for; at the lowest peak when it names none."""
    if remat.peak_bytes is None and remat.saved_percent is None:
        # the frontier's peaks are those of sliced gradients
        whole = [_dropped(short, point) if point.dropped else short for point in points]
        yield from _sliced(min(whole, key=lambda item: _first(item, without).peak), without)
        return
    start: int | None = None
    lowest: int | None = None
    for point in points:
        for found in _sliced(_dropped(short, point) if point.dropped else short, without):
            start = found.peak if start is None else start
            lowest = found.peak if lowest is None else min(lowest, found.peak)
            if remat.reached(found.peak, start):
                yield found
    if lowest is not None and start is not None and not remat.reached(lowest, start):
        saved = 100 * (1 - lowest / start)
        raise DoesNotFitError(
            Diagnostic(
                f"--remat: the peak cannot be lowered so far; {format_bytes(lowest)}"
                f" is the lowest found, {saved:.1f} % below {format_bytes(start)}.",
                hint="`explain --stage memory` shows the frontier.",
            )
        )
