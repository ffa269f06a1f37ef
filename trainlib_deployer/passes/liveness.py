"""Who lives when: lifetimes of the tensors that own memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.tensor import Kind, Tensor

ALIGNMENT_BYTES = 8  # DMA engines and two-wide SIMD ask for it


@dataclass(frozen=True)
class Life:
    """A tensor that owns memory, alive over the Steps [first, last)."""

    tensor: Tensor
    first: int
    last: int

    @property
    def bytes(self) -> int:
        """What it takes of the arena."""
        return aligned_bytes(self.tensor.bytes)


def aligned_bytes(count: int) -> int:
    """Rounded up so that what lies behind is aligned too."""
    return -(-count // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def lifetimes(graph: Graph, schedule: Schedule) -> tuple[Life, ...]:
    """From the Step that makes a tensor to the last that touches it; what persists always lives."""
    end = len(schedule.steps)
    spans: dict[str, tuple[Tensor, int, int]] = {}

    def touch(tensor: Tensor, first: int, last: int) -> None:
        root = tensor.root
        _, old_first, old_last = spans.get(root.name, (root, first, last))
        spans[root.name] = (root, min(old_first, first), max(old_last, last))

    for tensor in (*graph.persistent, *graph.accumulated):
        touch(tensor, 0, end)
    for tensor in (graph.input, *graph.rates):
        touch(tensor, 0, 1)
    if graph.training:
        touch(graph.training.target, 0, 1)
    else:
        # whoever called for the prediction reads it after the last Step
        touch(graph.output, end - 1, end)
    for index, step in enumerate(schedule.steps):
        for tensor in step.tensors:
            first = 0 if tensor.root.kind.is_given else index
            # the loss is read after the last Step
            touch(tensor, first, end if tensor.kind is Kind.LOSS else index + 1)
    return tuple(Life(*span) for span in spans.values())


def live_bytes(lives: Iterable[Life], steps: int) -> list[int]:
    """The bytes alive at each of so many Steps."""
    return sums_alive(((life.first, life.last, life.bytes) for life in lives), steps)


def sums_alive(spans: Iterable[tuple[int, int, int]], steps: int) -> list[int]:
    """At each of so many Steps, the bytes of the spans (first, last, bytes) that hold it."""
    change = [0] * (steps + 1)
    for first, last, count in spans:
        change[first] += count
        change[last] -= count
    return list(accumulate(change))[:-1]


def peak_bytes(graph: Graph, schedule: Schedule) -> int:
    """The most bytes alive at one Step: no plan can do with less."""
    return max(live_bytes(lifetimes(graph, schedule), len(schedule.steps)), default=0)
