"""What a loss's file says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from trainlib_deployer.ir.dtype import DType
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Shape, Tensor


@dataclass(frozen=True)
class TargetSpec:
    """What a sample's target is; `classes` is set when it is a class index."""

    shape: Shape
    dtype: DType
    classes: int | None


class Loss(ABC):
    """A loss; its dataclass fields are its options in the spec, named as in PyTorch."""

    type_name: ClassVar[str]

    reduction: str  # "mean" or "sum", over all samples of a training step

    @abstractmethod
    def target(self, output: Shape) -> TargetSpec:
        """The target for a network output of this shape (no batch axis); ShapeError if none."""

    @abstractmethod
    def forward(self, x: Tensor, target: Tensor, loss: Tensor) -> Step:
        """The Step that computes the loss of one mini-batch."""

    @abstractmethod
    def backward(self, x: Tensor, target: Tensor, dx: Tensor) -> Step:
        """The Step that computes the gradient of the network's output."""

    @abstractmethod
    def torch_call(self, x: str, target: str) -> str:
        """The PyTorch expression of the loss."""
