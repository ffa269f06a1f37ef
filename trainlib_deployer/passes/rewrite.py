"""Replace tensors throughout a graph and its schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from trainlib_deployer.ir.graph import Graph, Node, Schedule
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Tensor


def share_memory(
    graph: Graph, schedule: Schedule, views: Mapping[str, Tensor]
) -> tuple[Graph, Schedule]:
    """Make each named tensor a view of the tensor that it is mapped to."""
    done: dict[str, Tensor] = {}

    def new(tensor: Tensor) -> Tensor:
        if tensor.name not in done:
            owner = views.get(tensor.name, tensor.view_of)
            done[tensor.name] = replace(tensor, view_of=new(owner) if owner else None)
        return done[tensor.name]

    def new_step(step: Step) -> Step:
        operands = tuple(replace(o, tensor=new(o.tensor)) if o.tensor else o for o in step.operands)
        instead = tuple((index, new(tensor)) for index, tensor in step.instead)
        return replace(step, operands=operands, instead=instead)

    def new_node(node: Node) -> Node:
        return replace(
            node,
            inputs=tuple(new(tensor) for tensor in node.inputs),
            output=new(node.output),
            parameters={name: new(tensor) for name, tensor in node.parameters.items()},
        )

    training = graph.training
    if training:
        training = replace(
            training, loss_tensor=new(training.loss_tensor), target=new(training.target)
        )
    graph = replace(
        graph,
        input=new(graph.input),
        nodes=tuple(new_node(node) for node in graph.nodes),
        training=training,
    )
    return graph, replace(schedule, steps=tuple(new_step(step) for step in schedule.steps))
