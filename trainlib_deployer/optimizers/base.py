"""What an optimizer's file says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Tensor


class Optimizer(ABC):
    """An optimizer; its dataclass fields are its options in the spec, named as in torch.optim."""

    type_name: ClassVar[str]

    @abstractmethod
    def update(self, layer: str, weight: Tensor, gradient: Tensor) -> Step:
        """The Step that updates one parameter in place."""

    @abstractmethod
    def torch_call(self, parameters: str) -> str:
        """The torch.optim expression."""
