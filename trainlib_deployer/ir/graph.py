"""The network as a graph, and the training step as a list of Steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trainlib_deployer.ir.step import Linear, Step
from trainlib_deployer.ir.tensor import Kind, Shape, Tensor

if TYPE_CHECKING:
    from trainlib_deployer.layers.base import Layer
    from trainlib_deployer.losses.base import Loss
    from trainlib_deployer.optimizers.base import Optimizer
    from trainlib_deployer.schedules.base import Schedule as LearningRates
    from trainlib_deployer.training.clipping import Clipping


@dataclass(frozen=True)
class Node:
    """One layer in its place: what it reads, makes and owns."""

    name: str
    layer: Layer
    inputs: tuple[Tensor, ...]
    output: Tensor
    parameters: Mapping[str, Tensor]
    trainable: bool
    buffers: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """Of one sample."""
        return tuple(tensor.shape[1:] for tensor in self.inputs)

    @property
    def learns(self) -> bool:
        """Whether it has parameters that training changes."""
        return self.trainable and bool(self.parameters)


@dataclass(frozen=True)
class Rule:
    """How a group of parameters is updated; `rate` holds what its updates of one step share."""

    optimizer: Optimizer
    rate: Tensor | None

    @property
    def linear(self) -> Linear | None:
        """Where every update is w = decay * w + scale * dw."""
        return self.optimizer.linear(self.rate)


@dataclass(frozen=True)
class Training:
    """How the network learns; `rules` are by the parameter's name."""

    loss: Loss
    optimizer: Optimizer
    loss_tensor: Tensor
    target: Tensor
    rules: Mapping[str, Rule]
    counter: Tensor | None  # of training steps, where a rule needs them
    best: Tensor | None  # with early stopping: the best evaluation
    schedule: LearningRates | None  # None: the lr stays
    clipping: Clipping | None

    def state_of(self, parameter: Tensor) -> Mapping[str, Tensor]:
        """What the optimizer remembers of a parameter that learns, by PyTorch's names."""
        names = self.rules[parameter.name].optimizer.state
        shape = parameter.shape
        return {n: Tensor(f"{parameter.name}.{n}", Kind.OPTIMIZER_STATE, shape) for n in names}


@dataclass(frozen=True)
class Graph:
    """The network with every shape known; nodes are in the order of the spec.

    `batch_size` samples go through it at once; a training step of `step_samples` takes as many
    passes as it needs, and adds up their gradients. `classes` is the number of classes when targets
    are class indices.
    """

    name: str
    batch_size: int
    step_samples: int
    input: Tensor
    nodes: tuple[Node, ...]
    training: Training | None
    classes: int | None

    @property
    def output(self) -> Tensor:
        return self.nodes[-1].output

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        return tuple(p for node in self.nodes for p in node.parameters.values())

    @property
    def state(self) -> tuple[Tensor, ...]:
        """What is saved and loaded: parameters and buffers, in PyTorch's order."""
        return tuple(
            t for node in self.nodes for t in (*node.parameters.values(), *node.buffers.values())
        )

    @property
    def learning(self) -> tuple[Tensor, ...]:
        """The parameters that are updated."""
        if self.training is None:
            return ()
        return tuple(p for n in self.nodes if n.trainable for p in n.parameters.values())

    @property
    def optimizer_state(self) -> tuple[Tensor, ...]:
        """What the optimizer remembers between steps, but for their number."""
        if self.training is None:
            return ()
        return tuple(t for p in self.learning for t in self.training.state_of(p).values())

    @property
    def persistent(self) -> tuple[Tensor, ...]:
        """What outlives a training step, in the order of net_save()."""
        counts = (self.training.counter, self.training.best) if self.training else ()
        return (*self.state, *self.optimizer_state, *filter(None, counts))

    @property
    def passes(self) -> int:
        """Of a whole training step."""
        return -(-self.step_samples // self.batch_size)

    @property
    def joins_samples(self) -> bool:
        """Whether a sample's output depends on the other ones of its mini-batch."""
        return any(node.layer.joins_samples for node in self.nodes)

    def gradient(self, parameter: Tensor) -> Tensor:
        """Of a parameter that learns."""
        return Tensor(f"{parameter.name}.grad", Kind.WEIGHT_GRAD, parameter.shape)

    @property
    def accumulated(self) -> tuple[Tensor, ...]:
        """The gradients that outlive a pass."""
        return tuple(map(self.gradient, self.learning)) if self.passes > 1 else ()

    @property
    def rates(self) -> tuple[Tensor, ...]:
        """What updates share, set before each training step."""
        if self.training is None:
            return ()
        rules = (self.training.rules[p.name] for p in self.learning)
        return tuple(dict.fromkeys(rule.rate for rule in rules if rule.rate))


@dataclass(frozen=True)
class Schedule:
    """The Steps of one training step in order; the first `forward_steps` of them predict.

    Where a training step takes several `passes`, the last `update_steps` run once, behind the last
    pass. `absent` says, for each gradient that is never materialised, why: (tensor, kind) → reason.
    """

    steps: tuple[Step, ...]
    forward_steps: int
    absent: Mapping[tuple[str, str], str] = field(default_factory=dict)
    update_steps: int = 0
    passes: int = 1

    @property
    def parts(self) -> tuple[tuple[int, int], ...]:
        """Where the Steps of forward, of backward and of the updates by themselves begin and end:
        between these the team meets."""
        end = len(self.steps) - self.update_steps
        return (0, self.forward_steps), (self.forward_steps, end), (end, len(self.steps))
