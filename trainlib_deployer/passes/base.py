"""What a pass is, and what it saves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.passes.liveness import peak_bytes

Rewrite = Callable[[Graph, Schedule], tuple[Graph, Schedule]]


@dataclass(frozen=True)
class Pass:
    """A rewriting of the schedule that keeps every result, bit for bit or but for rounding."""

    name: str
    help: str
    run: Rewrite


@dataclass(frozen=True)
class Saving:
    """The bytes alive at the peak before and after a pass, and the work that it repeats."""

    name: str
    before: int
    after: int
    extra_macs: int = 0

    @property
    def bytes(self) -> int:
        return self.before - self.after


def apply_passes(
    graph: Graph, schedule: Schedule, passes: Iterable[Pass], without: Collection[str] = ()
) -> tuple[Graph, Schedule, tuple[Saving, ...]]:
    """Run the passes but those in `without`; what each saved, in order."""
    savings = []
    before = peak_bytes(graph, schedule)
    for item in passes:
        if item.name in without:
            continue
        graph, schedule = item.run(graph, schedule)
        after = peak_bytes(graph, schedule)
        savings.append(Saving(item.name, before, after))
        before = after
    return graph, schedule, tuple(savings)
