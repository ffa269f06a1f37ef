"""The network as a graph, and the training step as a list of Steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Tensor

if TYPE_CHECKING:
    from trainlib_deployer.layers.base import Layer
    from trainlib_deployer.losses.base import Loss
    from trainlib_deployer.optimizers.base import Optimizer


@dataclass(frozen=True)
class Node:
    """One layer in its place: what it reads, makes and owns."""

    name: str
    layer: Layer
    inputs: tuple[Tensor, ...]
    output: Tensor
    parameters: Mapping[str, Tensor]
    trainable: bool


@dataclass(frozen=True)
class Training:
    """How the network learns."""

    loss: Loss
    optimizer: Optimizer
    loss_tensor: Tensor
    target: Tensor


@dataclass(frozen=True)
class Graph:
    """The network with every shape known; nodes are in the order of the spec.

    `classes` is the number of classes when targets are class indices.
    """

    name: str
    batch_size: int
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


@dataclass(frozen=True)
class Schedule:
    """The Steps of one training step in order; the first `forward_steps` of them predict.

    `absent` says, for each gradient that is never materialised, why: (tensor, kind) → reason.
    """

    steps: tuple[Step, ...]
    forward_steps: int
    absent: Mapping[tuple[str, str], str] = field(default_factory=dict)
