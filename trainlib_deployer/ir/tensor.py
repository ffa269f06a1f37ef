"""Tensors: what Steps read and write."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from trainlib_deployer.ir.dtype import DType

Shape = tuple[int, ...]

AGAIN = "@again"  # ends the name of what is made a second time


def whole_name(name: str) -> str:
    """The name of the tensor that `name` is a slice of, or a second making."""
    return name.partition("[")[0].removesuffix(AGAIN)


class Kind(Enum):
    """What a tensor is for; the values are the kinds of `run --json` and of plan.json."""

    INPUT = "input"
    TARGET = "target"
    ACTIVATION = "activation"
    INPUT_GRAD = "input_grad"
    WEIGHT = "weight"
    WEIGHT_GRAD = "weight_grad"
    LOSS = "loss"
    OPTIMIZER_STATE = "optimizer_state"
    COUNTER = "counter"  # how far training is: steps, evaluations
    RATE = "rate"  # numbers of a training step that its updates share, set before it
    BUFFER = "buffer"  # what a layer keeps beside its parameters: running statistics
    SCRATCH = "scratch"  # what a layer's Steps tell each other; compared with nothing

    @property
    def is_persistent(self) -> bool:
        """Whether the tensor outlives a training step."""
        return self in (Kind.WEIGHT, Kind.BUFFER, Kind.OPTIMIZER_STATE, Kind.COUNTER)

    @property
    def is_given(self) -> bool:
        """Whether the tensor holds its value before the first Step."""
        return self.is_persistent or self in (Kind.INPUT, Kind.TARGET, Kind.RATE)


@dataclass(frozen=True)
class Tensor:
    """A dense array; activations and gradients have the batch axis first.

    `view_of` names the tensor whose memory this one shares, element for element, from its element
    `view_offset` on. A slice is named `<tensor>[first:last]`, by rows of the leading axis.
    """

    name: str
    kind: Kind
    shape: Shape
    dtype: DType = DType.F32
    view_of: Tensor | None = None
    view_offset: int = 0

    @property
    def root(self) -> Tensor:
        """The tensor that owns the memory."""
        return self.view_of.root if self.view_of else self

    @property
    def root_offset_bytes(self) -> int:
        """Where it begins in the memory of its root."""
        if self.view_of is None:
            return 0
        return self.view_of.root_offset_bytes + self.view_offset * self.dtype.bytes

    @property
    def root_range(self) -> tuple[int, int]:
        """Its bytes [first, last) in the memory of its root."""
        return self.root_offset_bytes, self.root_offset_bytes + self.bytes

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def has_batch_axis(self) -> bool:
        """Whether the leading axis is that of the samples."""
        return self.kind in (Kind.INPUT, Kind.TARGET, Kind.ACTIVATION, Kind.INPUT_GRAD)

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.count * self.dtype.bytes

    @property
    def subject(self) -> str:
        """The tensor that this is the gradient of, or its own name."""
        whole, bracket, rows = self.name.partition("[")
        return whole.removesuffix(".grad") + bracket + rows

    def __str__(self) -> str:
        return f"{self.name} {'x'.join(map(str, self.shape))} {self.dtype.value}"
