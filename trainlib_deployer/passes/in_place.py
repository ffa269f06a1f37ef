"""Elementwise Steps write over an input that nobody reads any more: relu, add, and their dx."""

from __future__ import annotations

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.passes.base import Pass
from trainlib_deployer.passes.liveness import lifetimes
from trainlib_deployer.passes.rewrite import share_memory


def _run(graph: Graph, schedule: Schedule) -> tuple[Graph, Schedule]:
    """In the order of the Steps; what one has joined, the next sees as one piece of memory."""
    spans = {life.tensor.name: (life.first, life.last) for life in lifetimes(graph, schedule)}
    owners: dict[str, Tensor] = {}

    def owner(tensor: Tensor) -> Tensor:
        root = tensor.root
        while root.name in owners:
            root = owners[root.name]
        return root

    views: dict[str, Tensor] = {}
    for index, step in enumerate(schedule.steps):
        for output, source in step.in_place:
            out, dying = step.operands[output].tensor, step.operands[source].tensor
            if out is None or dying is None:
                continue
            into, memory = owner(out), owner(dying)
            if into is not out or not _fits(out, dying, memory):
                continue
            if spans[memory.name][1] == index + 1 and spans[out.name][0] == index:
                views[out.name] = dying
                owners[out.name] = memory
                spans[memory.name] = (spans[memory.name][0], spans.pop(out.name)[1])
                break
    return share_memory(graph, schedule, views)


def _fits(out: Tensor, dying: Tensor, memory: Tensor) -> bool:
    """Whole tensors of one size; never a parameter, nor what both name already."""
    return (
        out.kind is not Kind.LOSS
        and out.name != memory.name
        and out.bytes == dying.bytes == memory.bytes
        and not memory.kind.is_persistent
    )


IN_PLACE = Pass("in_place", "elementwise Steps write over an input that dies there", _run)
