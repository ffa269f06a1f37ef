"""What a layer's file says: fields, shapes, parameters, Steps, and its PyTorch twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Shape, Tensor

# a tile that adds to a sum begun by another takes what is there as it is
CONTINUED: Mapping[str, int | float] = {"accumulate": 1, "decay": 1.0, "bias_decay": 1.0}
# the fields of a weight gradient that say how much of old weights, and of an old bias, stays
DECAYS = ("decay", "bias_decay")


class ShapeError(Exception):
    """A layer cannot take inputs of these shapes; the text says what it takes."""


@dataclass(frozen=True)
class Gradients:
    """What backward asks of a layer.

    `dx` holds for each input the tensor to make or None where nobody needs it; `accumulate`
    says whether it already holds another consumer's contribution. `dparams` holds the parameters
    to learn and is empty for a frozen layer.
    """

    dy: Tensor
    dx: tuple[Tensor | None, ...]
    accumulate: tuple[bool, ...]
    dparams: Mapping[str, Tensor] = field(default_factory=dict)


class Layer(ABC):
    """A layer type; its dataclass fields are its keys in the spec, named as in PyTorch."""

    type_name: ClassVar[str]
    input_count: ClassVar[int] = 1
    passes_gradient: ClassVar[bool] = False  # dx is dy itself, for every input
    normalises: ClassVar[bool] = False  # its parameters are no weights of sums
    scales_channels: ClassVar[bool] = False  # y is something times `weight` plus `bias`, a channel

    @abstractmethod
    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape of the output, without the batch axis; ShapeError where there is none."""

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        """The parameters by PyTorch's names and layouts."""
        return {}

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        """What is kept beside the parameters, by PyTorch's names: running statistics."""
        return {}

    @property
    def shifts_cancel(self) -> bool:
        """Whether a number added to a channel of the input changes no output."""
        return False

    @property
    def scales_by_state(self) -> bool:
        """Whether y is x times a number plus a number, a channel, whatever else x holds: both made
        of parameters and buffers."""
        return False

    def rows_make_channels(self, *inputs: Shape) -> bool:
        """Whether channel c of the output is a sum over row c of `weight`, plus `bias`."""
        return False

    @property
    def is_fixed(self) -> bool:
        """Whether the layer never learns, whatever `trainable` says."""
        return False

    @property
    def joins_samples(self) -> bool:
        """Whether what it makes of a sample depends on the others of the mini-batch."""
        return False

    def when_predicting(self) -> Layer:
        """The layer of a network that only predicts."""
        return self

    def least_batch(self, *inputs: Shape) -> int:
        """The fewest samples that it trains on."""
        return 1

    @abstractmethod
    def forward(self, node: Node) -> tuple[Step, ...]:
        """The Steps that make `node.output`."""

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        """The Steps that make the gradients, in any order that is right."""
        return ()

    @abstractmethod
    def torch_module(self, node: Node) -> str | None:
        """The expression that builds this layer's torch module; None for a function."""

    def torch_call(self, module: str, inputs: tuple[str, ...]) -> str:
        """The expression that applies the layer, given the module's and the inputs' names."""
        return f"{module}({', '.join(inputs)})"

    def torch_kink(self, x: str) -> str | None:
        """The expression for how far input `x` is from where the derivative jumps, if it does."""
        return None

    def torch_terms(self, module: str, x: str, dy: str) -> str | None:
        """The expression for the largest term of each element of dx, where terms may cancel."""
        return None

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        """Layers and input shapes that the test suite builds whole projects of."""
