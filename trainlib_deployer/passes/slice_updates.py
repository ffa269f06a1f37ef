"""Weight gradient and update slice by slice, so that no whole weight gradient is kept.

Only where a whole one would raise the peak, and in the largest slices that do not: each slice
reads the layer's input again. Two sizes of the smallest slice are two passes: the rows that a
kernel keeps in registers, and a single row for where every byte counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from trainlib_deployer.ir.cut import cut_step, slice_shape
from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.step import Operand, Phase, Step
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.passes.base import Pass, Rewrite
from trainlib_deployer.passes.liveness import aligned_bytes, lifetimes, live_bytes, peak_bytes
from trainlib_deployer.passes.reorder import REORDER

_BLOCK = 4  # rows that kernels keep in registers


@dataclass(frozen=True)
class Pair:
    """A weight-gradient Step at `index`, cut along `loop`, and what is right behind it: updates,
    and what clips the gradients before them."""

    index: int
    loop: str
    extent: int
    gradients: tuple[Operand, ...]
    updates: tuple[Step, ...]

    def slice_bytes(self, rows: int) -> int:
        """What the gradients of so many rows take."""
        return sum(aligned_bytes(_slice(o, self.loop, 0, rows).bytes) for o in self.gradients)


def _slicer(rows_min: int) -> Rewrite:
    """The pass for slices of at least so many rows."""

    def run(graph: Graph, schedule: Schedule) -> tuple[Graph, Schedule]:
        pairs = list(pairs_of(schedule.steps))
        live = live_bytes(lifetimes(graph, schedule), len(schedule.steps))
        spare = spare_bytes(schedule.steps, rows_min)
        least = (
            bytes_ - spare.get(step.name, 0)
            for step, bytes_ in zip(schedule.steps, live, strict=True)
        )
        target = max(least, default=0)
        high = [pair for pair in pairs if live[pair.index] > target]
        tight = _cut(schedule, high, [min(rows_min, pair.extent) for pair in high])
        # a better order may leave a lower peak than this one: it sets how large slices may be
        reach = peak_bytes(*REORDER.run(graph, tight))
        rows = [_rows(pair, live[pair.index], reach, rows_min) for pair in high]
        roomy = _cut(schedule, high, rows)
        fits = peak_bytes(*REORDER.run(graph, roomy)) <= reach
        return graph, roomy if fits else tight

    return run


def spare_bytes(steps: Sequence[Step], rows_min: int) -> dict[str, int]:
    """By Step, what its live bytes would lose if all gradients came in their smallest slices."""
    found = {}
    for pair in pairs_of(steps):
        saved = pair.slice_bytes(pair.extent) - pair.slice_bytes(min(rows_min, pair.extent))
        for step in (steps[pair.index], *pair.updates):
            found[step.name] = saved
    return found


def _cut(schedule: Schedule, pairs: Sequence[Pair], rows: Sequence[int]) -> Schedule:
    steps: list[Step] = []
    done = 0
    for pair, count in zip(pairs, rows, strict=True):
        if count < pair.extent:
            steps += schedule.steps[done : pair.index]
            steps += _sliced(schedule.steps[pair.index], pair, count)
            done = pair.index + 1 + len(pair.updates)
    return replace(schedule, steps=(*steps, *schedule.steps[done:]))


def pairs_of(steps: Sequence[Step]) -> Iterator[Pair]:
    """Where nothing but the updates reads the gradients, and every slice is one piece."""
    readers: dict[str, int] = defaultdict(int)
    for step in steps:
        for tensor in step.tensors:
            readers[tensor.root.name] += 1
    for index, step in enumerate(steps):
        if step.phase is not Phase.WG or not step.cuts:
            continue
        (loop,) = step.cuts
        gradients = tuple(o for o in step.operands if o.tensor and o.access.writes)
        names = {o.tensor.name for o in gradients if o.tensor}
        updates = []
        for update in steps[index + 1 :]:
            if update.phase is not Phase.UPDATE or not names & {t.name for t in update.reads}:
                break
            updates.append(update)
        extent = next(item.extent for item in step.loops if item.name == loop)
        alone = sum(readers[name] for name in names) == len(names) + len(updates)
        simple = all(update.cuts for update in updates)
        if alone and simple and updates and extent > 1 and _contiguous(step, loop):
            yield Pair(index, loop, extent, gradients, tuple(updates))


def _contiguous(step: Step, loop: str) -> bool:
    try:
        cut_step(step, loop, 0, 1, "", {})
    except ValueError:
        return False
    return True


def _rows(pair: Pair, live: int, target: int, rows_min: int) -> int:
    """The most rows of a slice that stay within the target: whole blocks, or fewer than one."""
    others = live - pair.slice_bytes(pair.extent)
    choices = [*range(rows_min, _BLOCK), *range(_BLOCK, pair.extent, _BLOCK), pair.extent]
    within = [rows for rows in choices if others + pair.slice_bytes(rows) <= target]
    return max(within, default=min(rows_min, pair.extent))


def _sliced(step: Step, pair: Pair, rows: int) -> Iterator[Step]:
    for first in range(0, pair.extent, rows):
        last = min(first + rows, pair.extent)
        label = f"{first}:{last}"
        made = {
            o.tensor.name: _slice(o, pair.loop, first, last) for o in pair.gradients if o.tensor
        }
        yield cut_step(step, pair.loop, first, last, label, made)
        for update in pair.updates:
            ((loop, _),) = update.cuts.items()
            elements = next(item.extent for item in update.loops if item.name == loop)
            row = elements // pair.extent
            yield cut_step(update, loop, first * row, last * row, label, made)


def _slice(gradient: Operand, loop: str, first: int, last: int) -> Tensor:
    """Rows of a gradient as a tensor of its own."""
    assert gradient.tensor
    shape = slice_shape(gradient, loop, last - first)
    name = f"{gradient.tensor.name}[{first}:{last}]"
    return Tensor(name, Kind.WEIGHT_GRAD, shape, gradient.tensor.dtype)


SLICE_UPDATES = Pass(
    "slice_updates",
    "make and apply weight gradients slice by slice where they raise the peak",
    _slicer(_BLOCK),
)
ROW_UPDATES = Pass(
    "row_updates", "the same with slices down to a single row, for the last bytes", _slicer(1)
)
