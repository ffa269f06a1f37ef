"""Graph → Schedule: forward, loss, each layer backward, then the updates.

Plain and wasteful on purpose: the passes make it small, and each can be seen doing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from trainlib_deployer.ir.elementwise import copy_step
from trainlib_deployer.ir.graph import Graph, Node, Schedule, Training
from trainlib_deployer.ir.step import Access, Phase, Step
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.layers.base import Gradients
from trainlib_deployer.training.clipping import Gradient, clipped

_UNSEEN = "no layer before it learns, so that nobody needs it"
_FROZEN = "the layer is frozen"


def differentiate(graph: Graph) -> Schedule:
    """The Steps of one training step; of one prediction where the graph does not train."""
    forward = tuple(step for node in graph.nodes for step in node.layer.forward(node))
    if graph.training is None:
        return Schedule(forward, len(forward))
    backward = _Backward(graph, graph.training)
    backward.run()
    return Schedule(
        steps=(*forward, *backward.steps, *backward.updates),
        forward_steps=len(forward),
        absent=backward.absent,
        update_steps=len(backward.updates) if graph.passes > 1 else 0,
        passes=graph.passes,
    )


def _learning(graph: Graph) -> set[str]:
    """Names of the activations that depend on a parameter that learns."""
    learning: set[str] = set()
    for node in graph.nodes:
        own = node.learns
        if own or any(tensor.name in learning for tensor in node.inputs):
            learning.add(node.output.name)
    return learning


@dataclass
class _Backward:
    """The state of one backward walk over the graph."""

    graph: Graph
    training: Training
    steps: list[Step] = field(default_factory=list)
    gradient_updates: list[tuple[Gradient, Step]] = field(default_factory=list)
    updates: list[Step] = field(default_factory=list)
    absent: dict[tuple[str, str], str] = field(default_factory=dict)
    gradients: dict[str, Tensor] = field(default_factory=dict)

    def run(self) -> None:
        self.learning = _learning(self.graph)
        output, training = self.graph.output, self.training
        dy = _gradient_of(output)
        self.gradients[output.name] = dy
        self.steps.append(training.loss.forward(output, training.target, training.loss_tensor))
        self.steps.append(training.loss.backward(output, training.target, dy))
        for node in reversed(self.graph.nodes):
            self._node(node)
        self._update()
        self._note(self.graph.input)

    def _update(self) -> None:
        """All updates, each behind what clips its gradient."""
        before: tuple[Step, ...] = ()
        clips: Mapping[str, Step] = {}
        if self.training.clipping:
            gradients = [gradient for gradient, _ in self.gradient_updates]
            before, clips = clipped(self.training.clipping, gradients)
        self.updates.extend(before)
        for gradient, update in self.gradient_updates:
            if gradient.tensor.name in clips:
                self.updates.append(clips[gradient.tensor.name])
            self.updates.append(update)

    def _node(self, node: Node) -> None:
        self._note(node.output)
        dy = self.gradients.get(node.output.name)
        learns = node.trainable and dy is not None
        for parameter in node.parameters.values():
            if not learns:
                self.absent[parameter.name, Kind.WEIGHT_GRAD.value] = _FROZEN
        if dy is None:
            return
        if node.layer.passes_gradient:
            self._pass_on(node, dy)
            return
        wanted = [self._contribution(tensor) for tensor in node.inputs]
        dparams = {
            name: self.graph.gradient(parameter)
            for name, parameter in node.parameters.items()
            if learns
        }
        request = Gradients(
            dy, tuple(dx for dx, _ in wanted), tuple(add for _, add in wanted), dparams
        )
        steps = node.layer.backward(node, request)
        self.steps.extend(map(accumulating, steps) if self.graph.passes > 1 else steps)
        for name, gradient in dparams.items():
            weight = node.parameters[name]
            rule, state = self.training.rules[weight.name], self.training.state_of(weight)
            update = rule.optimizer.update(node.name, weight, gradient, state, rule.rate)
            # a fused one never shows the gradient that would have to be clipped, or added to
            whole = self.training.clipping is None and self.graph.passes == 1
            linear = rule.linear if whole else None
            made = Gradient(node.name, gradient)
            self.gradient_updates.append((made, replace(update, linear_update=linear)))

    def _contribution(self, tensor: Tensor) -> tuple[Tensor | None, bool]:
        """The gradient to make for an input, and whether it already holds a part of the sum."""
        if tensor.name not in self.learning:
            return None, False
        known = self.gradients.get(tensor.name)
        if known is None:
            self.gradients[tensor.name] = _gradient_of(tensor)
        return self.gradients[tensor.name], known is not None

    def _pass_on(self, node: Node, dy: Tensor) -> None:
        """dx is dy, for each input."""
        for index, tensor in enumerate(node.inputs):
            dx, add = self._contribution(tensor)
            if dx is not None:
                suffix = f".{index}" if len(node.inputs) > 1 else ""
                name = f"{node.name}.ig{suffix}"
                self.steps.append(copy_step(name, node.name, Phase.IG, dx, dy, accumulate=add))

    def _note(self, tensor: Tensor) -> None:
        if tensor.name not in self.gradients:
            self.absent[tensor.name, Kind.INPUT_GRAD.value] = _UNSEEN


def accumulating(step: Step) -> Step:
    """A weight gradient adds to that of the passes before; the first one starts anew."""
    if step.phase is not Phase.WG:
        return step
    return replace(
        step,
        fields={**step.fields, "accumulate": 1},
        operands=tuple(
            replace(o, access=Access.UPDATE) if o.access.writes else o for o in step.operands
        ),
        cuts={},
        absorbs=(),
        first_pass={"accumulate": 0},
    )


def _gradient_of(tensor: Tensor) -> Tensor:
    return Tensor(f"{tensor.name}.grad", Kind.INPUT_GRAD, tensor.shape)
