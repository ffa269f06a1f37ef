"""Max pooling."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Gradients, Layer
from trainlib_deployer.layers.geometry import Padding, Pair, torch_pad, window_shape
from trainlib_deployer.layers.pooling import check_padding, pool_backward, pool_forward
from trainlib_deployer.spec.fields import padding, pair


@LAYERS.register("max_pool2d")
@dataclass(frozen=True, kw_only=True)
class MaxPool2d(Layer):
    """Max pooling, as torch.nn.MaxPool2d; the first maximum of a window gets the gradient."""

    kernel_size: Pair = pair(minimum=1, help="height and width of the window")
    stride: Pair | None = pair(default=None, minimum=1, help="step; kernel_size when not given")
    padding: Padding = padding(default=0, help="minus infinity around the input")

    @property
    def _stride(self) -> Pair:
        return self.stride or self.kernel_size

    def output_shape(self, *inputs: Shape) -> Shape:
        check_padding(self.kernel_size, self.padding)
        size = window_shape(inputs[0], self.kernel_size, self._stride, self.padding)
        return (inputs[0][0], *size)

    def forward(self, node: Node) -> tuple[Step, ...]:
        return (pool_forward(node, "max_pool2d", self.kernel_size, self._stride, self.padding),)

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        saved = node.inputs[0]
        return pool_backward(
            node, "max_pool2d", gradients, self.kernel_size, self._stride, self.padding, saved=saved
        )

    def torch_module(self, node: Node) -> str:
        return f"nn.MaxPool2d({self.kernel_size}, stride={self._stride})"

    def torch_call(self, module: str, inputs: tuple[str, ...]) -> str:
        return f"{module}({self._padded(inputs[0])})"

    def torch_kink(self, x: str) -> str:
        return f"distance_to_runner_up({self._padded(x)}, {self.kernel_size}, {self._stride})"

    def _padded(self, x: str) -> str:
        if not any(self.padding):
            return x
        pad = torch_pad(self.padding, 'float("-inf")')
        return f"F.pad({x}, {pad})"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        none = (0, 0, 0, 0)
        return (
            (cls(kernel_size=(2, 2), stride=None, padding=none), ((3, 6, 7),)),
            (cls(kernel_size=(3, 3), stride=(2, 1), padding=(1, 1, 0, 1)), ((5, 9, 4),)),
        )
