"""Global average pooling."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Gradients, Layer
from trainlib_deployer.layers.geometry import Pair, image_shape
from trainlib_deployer.layers.pooling import pool_backward, pool_forward
from trainlib_deployer.spec.fields import pair

_NO_PADDING = (0, 0, 0, 0)


@LAYERS.register("adaptive_avg_pool2d")
@dataclass(frozen=True, kw_only=True)
class AdaptiveAvgPool2d(Layer):
    """The average of each channel, as torch.nn.AdaptiveAvgPool2d(1)."""

    output_size: Pair = pair(minimum=1, maximum=1, help="only 1 is built")

    def output_shape(self, *inputs: Shape) -> Shape:
        return (image_shape(inputs[0])[0], 1, 1)

    def forward(self, node: Node) -> tuple[Step, ...]:
        window = self._window(node)
        return (pool_forward(node, "avg_pool2d", window, window, _NO_PADDING),)

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        window = self._window(node)
        return pool_backward(node, "avg_pool2d", gradients, window, window, _NO_PADDING)

    def _window(self, node: Node) -> Pair:
        return node.inputs[0].shape[2], node.inputs[0].shape[3]

    def torch_module(self, node: Node) -> str:
        return "nn.AdaptiveAvgPool2d(1)"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return ((cls(output_size=(1, 1)), ((5, 4, 3),)),)
