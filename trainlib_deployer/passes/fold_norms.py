"""Batch norms that learn nothing go into the weights of a layer before them that learns nothing.

Their scale and shift of a channel are then other values of its weight and bias, which the golden
model computes; no Step, buffer or parameter of the norm is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from trainlib_deployer.ir.graph import Graph, Node, Schedule
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.passes.base import Pass
from trainlib_deployer.training.differentiate import differentiate


@dataclass(frozen=True)
class Fold:
    """A norm that learns nothing: the layer that it goes `into`, or why it goes into none."""

    norm: str
    into: str | None
    reason: str | None = None


def folds_of(graph: Graph) -> tuple[Fold, ...]:
    """What the pass does to a network as the spec has it."""
    return _folded(graph)[1]


def folded_norms(folds: tuple[Fold, ...]) -> Mapping[str, tuple[str, ...]]:
    """By the layer that they go into, in their order."""
    layers = dict.fromkeys(fold.into for fold in folds if fold.into)
    return {into: tuple(f.norm for f in folds if f.into == into) for into in layers}


def _run(graph: Graph, schedule: Schedule) -> tuple[Graph, Schedule]:
    """The first pass: the schedule is still what the graph says."""
    graph, folds = _folded(graph)
    norms = folded_norms(folds)
    if not norms:
        return graph, schedule
    schedule = differentiate(graph)
    steps = tuple(
        replace(step, comment=f"{step.comment}, with {' and '.join(norms[step.layer])}")
        if step.layer in norms
        else step
        for step in schedule.steps
    )
    return graph, replace(schedule, steps=steps)


def _folded(graph: Graph) -> tuple[Graph, tuple[Fold, ...]]:
    readers = Counter(tensor.name for node in graph.nodes for tensor in node.inputs)
    nodes: list[Node] = []
    maker: dict[str, int] = {}  # where in `nodes` a tensor is made
    folds: list[Fold] = []
    for node in graph.nodes:
        source = node.inputs[0].name
        before = nodes[maker[source]] if source in maker else None
        if node.layer.scales_by_state and not _learns(graph, node):
            reason = _obstacle(graph, before, readers[source])
            into = None if reason else before
            folds.append(Fold(node.name, into.name if into else None, reason))
            if into:
                maker[node.output.name] = maker[source]
                nodes[maker[source]] = _with_norm(into, node)
                continue
        maker[node.output.name] = len(nodes)
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes)), tuple(folds)


def _learns(graph: Graph, node: Node) -> bool:
    return graph.training is not None and node.learns


def _obstacle(graph: Graph, before: Node | None, readers: int) -> str | None:
    """Why a norm cannot go into what is before it; None where it can."""
    if before is None:
        return "no layer is before it"
    if not before.layer.rows_make_channels(*before.input_shapes):
        return f"{before.name} before it has no weights of each channel"
    if readers > 1:
        return f"the output of {before.name} has other readers"
    if _learns(graph, before):
        return f"{before.name} before it learns"
    return None


def _with_norm(node: Node, norm: Node) -> Node:
    """The layer at once with the norm behind it."""
    weight, channels = node.parameters["weight"], (norm.output.shape[1],)
    bias = node.parameters.get("bias") or Tensor(f"{node.name}.bias", Kind.WEIGHT, channels)
    return replace(node, output=norm.output, parameters={"weight": weight, "bias": bias})


FOLD_NORMS = Pass(
    "fold_norms", "batch norms that learn nothing go into frozen weights before them", _run
)
