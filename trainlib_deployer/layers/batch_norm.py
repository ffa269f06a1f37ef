"""What batch_norm1d and batch_norm2d share."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers.base import Gradients, Layer
from trainlib_deployer.layers.channel_norm import batch_norm_backward, batch_norm_forward
from trainlib_deployer.layers.normalisation import Settings
from trainlib_deployer.spec.fields import boolean, choice, number

MODES = ("train", "eval", "frozen")


@dataclass(frozen=True, kw_only=True)
class BatchNorm(Layer):
    """Batch normalisation in three modes, named by what it does while the network trains.

    train: statistics of the mini-batch, running ones kept for prediction; eval: the running ones,
    fixed, while weight and bias learn; frozen: everything fixed.
    """

    normalises = True
    scales_channels = True
    torch_name: ClassVar[str]

    eps: float = number(default=1e-5, minimum=0.0, help="added to the variance")
    momentum: float = number(
        default=0.1, minimum=0.0, maximum=1.0, help="weight of the new running statistics"
    )
    affine: bool = boolean(default=True, help="a learnable weight and bias a channel")
    mode: str = choice(MODES, default="train", help="while the network trains")

    @property
    def is_fixed(self) -> bool:
        return self.mode == "frozen"

    @property
    def shifts_cancel(self) -> bool:
        return self.mode == "train"

    @property
    def scales_by_state(self) -> bool:
        return self.mode != "train"

    @property
    def joins_samples(self) -> bool:
        return self.mode == "train"

    def when_predicting(self) -> Layer:
        return replace(self, mode="eval") if self.mode == "train" else self

    def least_batch(self, *inputs: Shape) -> int:
        return 2 if self.mode == "train" and math.prod(inputs[0][1:]) == 1 else 1

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        shape = (inputs[0][0],)
        return {"weight": shape, "bias": shape} if self.affine else {}

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        return {"running_mean": (inputs[0][0],), "running_var": (inputs[0][0],)}

    def forward(self, node: Node) -> tuple[Step, ...]:
        settings = Settings(self.eps, momentum=self.momentum)
        return batch_norm_forward(node, settings, fixed=self.mode != "train")

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        return batch_norm_backward(node, gradients, fixed=self.mode != "train")

    def torch_terms(self, module: str, x: str, dy: str) -> str | None:
        return f"terms_of_norm({module}, {x}, {dy})" if self.mode == "train" else None

    def torch_module(self, node: Node) -> str:
        options = f"eps={self.eps!r}, momentum={self.momentum!r}"
        options += "" if self.affine else ", affine=False"
        module = f"nn.{self.torch_name}({node.inputs[0].shape[1]}, {options})"
        return module if self.mode == "train" else f"{module}.eval()"
