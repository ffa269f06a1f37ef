"""Instance normalisation."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Gradients, Layer, ShapeError
from trainlib_deployer.layers.channel_norm import group_norm_backward, group_norm_forward
from trainlib_deployer.layers.geometry import image_shape
from trainlib_deployer.layers.normalisation import Settings
from trainlib_deployer.spec.fields import boolean, number


@LAYERS.register("instance_norm2d")
@dataclass(frozen=True, kw_only=True)
class InstanceNorm2d(Layer):
    """Each channel of each sample, as torch.nn.InstanceNorm2d without running statistics."""

    normalises = True
    scales_channels = True

    eps: float = number(default=1e-5, minimum=0.0, help="added to the variance")
    affine: bool = boolean(default=False, help="a learnable weight and bias a channel")

    def output_shape(self, *inputs: Shape) -> Shape:
        _, height, width = image_shape(inputs[0])
        if height * width == 1:
            raise ShapeError("takes images of more than one pixel")
        return inputs[0]

    @property
    def shifts_cancel(self) -> bool:
        return True

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        shape = (inputs[0][0],)
        return {"weight": shape, "bias": shape} if self.affine else {}

    def forward(self, node: Node) -> tuple[Step, ...]:
        return group_norm_forward(node, Settings(self.eps), node.inputs[0].shape[1])

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        return group_norm_backward(node, gradients, node.inputs[0].shape[1])

    def torch_module(self, node: Node) -> str:
        affine = ", affine=True" if self.affine else ""
        return f"nn.InstanceNorm2d({node.inputs[0].shape[1]}, eps={self.eps!r}{affine})"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return ((cls(), ((3, 5, 4),)), (cls(affine=True, eps=1e-3), ((4, 3, 6),)))
