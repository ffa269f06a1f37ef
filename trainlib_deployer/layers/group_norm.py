"""Group normalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Gradients, Layer, ShapeError
from trainlib_deployer.layers.channel_norm import group_norm_backward, group_norm_forward
from trainlib_deployer.layers.normalisation import Settings
from trainlib_deployer.spec.fields import boolean, integer, number


@LAYERS.register("group_norm")
@dataclass(frozen=True, kw_only=True)
class GroupNorm(Layer):
    """Groups of channels of each sample, as torch.nn.GroupNorm."""

    normalises = True
    scales_channels = True

    num_groups: int = integer(minimum=1, help="divides the channels")
    eps: float = number(default=1e-5, minimum=0.0, help="added to the variance")
    affine: bool = boolean(default=True, help="a learnable weight and bias a channel")

    def output_shape(self, *inputs: Shape) -> Shape:
        if inputs[0][0] % self.num_groups:
            raise ShapeError(f"takes num_groups that divide the {inputs[0][0]} channels")
        if math.prod(inputs[0]) == self.num_groups:
            # PyTorch refuses a single sample of these: a prediction, or what a pass may take
            raise ShapeError("takes groups of more than one value")
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        shape = (inputs[0][0],)
        return {"weight": shape, "bias": shape} if self.affine else {}

    def forward(self, node: Node) -> tuple[Step, ...]:
        return group_norm_forward(node, Settings(self.eps), self.num_groups)

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        return group_norm_backward(node, gradients, self.num_groups)

    def torch_module(self, node: Node) -> str:
        options = f"eps={self.eps!r}" + ("" if self.affine else ", affine=False")
        return f"nn.GroupNorm({self.num_groups}, {node.inputs[0].shape[1]}, {options})"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return (
            (cls(num_groups=2), ((6, 3, 4),)),
            (cls(num_groups=1, affine=False), ((8,),)),
        )
