"""Steps for parts of the mini-batch, where tensors are so large that they live in L3.

A Step's operands must be in L2 together. Cut along the samples, and part after part of several
Steps in a row instead of Step after Step, they pass through L2 a few samples at a time: those that
come, are worked on by all of these Steps, and leave, while others are computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.samples import (
    BatchLoop,
    batch_loop,
    largest_by_sample,
    parts_of,
    samples_step,
)
from trainlib_deployer.ir.step import Samples, Step
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.passes.base import Pass

SAMPLE_PARTS = "sample_parts"
_LARGE = 4  # a tensor is large that takes more than such a part of L2,
_PART = 8  # and is cut into parts that take no more than this


@dataclass(frozen=True)
class Parts:
    """The parts of a mini-batch for Steps that touch a tensor of more than `most_bytes`."""

    samples: tuple[Samples, ...]
    most_bytes: int

    def loop_of(self, step: Step) -> BatchLoop | None:
        """The loop along which a Step is cut; None where it is not."""
        loop = batch_loop(step, self.samples[0].whole)
        return loop if loop and largest_by_sample(step, loop) > self.most_bytes else None


def parts_for(graph: Graph, schedule: Schedule, room: int) -> Parts | None:
    """For so many bytes of L2; None where no Step is to be cut."""
    batch = graph.batch_size
    loops = ((step, batch_loop(step, batch)) for step in schedule.steps)
    largest = max((largest_by_sample(step, loop) for step, loop in loops if loop), default=0)
    if batch == 1 or largest * _LARGE <= room:
        return None
    count = min(batch, -(-largest * _PART // room)) if room else batch
    return Parts(parts_of(batch, count), room // _LARGE)


def keep_gradients(schedule: Schedule, parts: Parts) -> Schedule:
    """Before gradients are fused with updates: one that parts add up is not."""
    steps = (replace(step, absorbs=()) if parts.loop_of(step) else step for step in schedule.steps)
    return replace(schedule, steps=tuple(steps))


def sample_parts(parts: Parts) -> Pass:
    """The pass that cuts Steps."""

    def run(graph: Graph, schedule: Schedule) -> tuple[Graph, Schedule]:
        forward, backward, update = (
            _cut(schedule.steps[first:last], parts) for first, last in schedule.parts
        )
        return graph, replace(
            schedule,
            steps=(*forward, *backward, *update),
            forward_steps=len(forward),
            update_steps=len(update),
        )

    return Pass(SAMPLE_PARTS, "Steps of large tensors in L3 for a part of the mini-batch", run)


@dataclass
class _Row:
    """Steps that run part after part, and others between them that can wait until all are done."""

    parts: list[tuple[Step, ...]] = field(default_factory=list)
    waiting: list[Step] = field(default_factory=list)

    def takes(self, parts: tuple[Step, ...]) -> bool:
        """Whether a part of another Step may run before the next parts of those here."""
        overtaken = (
            (mine, other)
            for earlier in self.parts
            for number, mine in enumerate(earlier)
            for other in parts[:number]
        )
        waiting = ((step, part) for step in self.waiting for part in parts)
        return not any(_meet(*pair) for pair in (*overtaken, *waiting))

    def precedes(self, step: Step) -> bool:
        """Whether a Step behind these needs one of them to be done."""
        return any(_meet(mine, step) for mine in (*chain(*self.parts), *self.waiting))

    def steps(self) -> tuple[Step, ...]:
        return (*chain(*zip(*self.parts, strict=True)), *self.waiting)


def _cut(steps: Sequence[Step], parts: Parts) -> tuple[Step, ...]:
    done: list[Step] = []
    row = _Row()
    for step in steps:
        loop = parts.loop_of(step)
        cut = tuple(samples_step(step, loop, part) for part in parts.samples) if loop else ()
        # of a loss that is not finite nothing may be learned: all behind it stay there
        if (cut and not row.takes(cut)) or any(t.kind is Kind.LOSS for t in step.writes):
            done += row.steps()
            row = _Row()
        if cut:
            row.parts.append(cut)
        elif row.precedes(step):
            row.waiting.append(step)
        else:
            done.append(step)
    return (*done, *row.steps())


def _meet(one: Step, other: Step) -> bool:
    """Whether one of them writes bytes that the other touches."""
    return _overlap(one.writes, other.tensors) or _overlap(one.tensors, other.writes)


def _overlap(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return any(
        a.root.name == b.root.name
        and a.root_range[0] < b.root_range[1]
        and b.root_range[0] < a.root_range[1]
        for a in some
        for b in others
    )
