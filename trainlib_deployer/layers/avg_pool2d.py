"""Average pooling."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Gradients, Layer
from trainlib_deployer.layers.geometry import Padding, Pair, torch_pad, window_shape
from trainlib_deployer.layers.pooling import check_padding, pool_backward, pool_forward
from trainlib_deployer.spec.fields import boolean, padding, pair


@LAYERS.register("avg_pool2d")
@dataclass(frozen=True, kw_only=True)
class AvgPool2d(Layer):
    """Average pooling, as torch.nn.AvgPool2d."""

    kernel_size: Pair = pair(minimum=1, help="height and width of the window")
    stride: Pair | None = pair(default=None, minimum=1, help="step; kernel_size when not given")
    padding: Padding = padding(default=0, help="zeros around the input")
    count_include_pad: bool = boolean(default=True, help="count the padding in the average")

    @property
    def _stride(self) -> Pair:
        return self.stride or self.kernel_size

    def output_shape(self, *inputs: Shape) -> Shape:
        check_padding(self.kernel_size, self.padding)
        size = window_shape(inputs[0], self.kernel_size, self._stride, self.padding)
        return (inputs[0][0], *size)

    def forward(self, node: Node) -> tuple[Step, ...]:
        window = (self.kernel_size, self._stride, self.padding)
        return (pool_forward(node, "avg_pool2d", *window, self.count_include_pad),)

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        window = (self.kernel_size, self._stride, self.padding)
        return pool_backward(
            node, "avg_pool2d", gradients, *window, include_pad=self.count_include_pad
        )

    def torch_module(self, node: Node) -> str:
        return f"nn.AvgPool2d({self.kernel_size}, stride={self._stride})"

    def torch_call(self, module: str, inputs: tuple[str, ...]) -> str:
        x = inputs[0]
        if not any(self.padding):
            return f"{module}({x})"
        pad = torch_pad(self.padding, "0.0")
        mean = f"{module}(F.pad({x}, {pad}))"
        if self.count_include_pad:
            return mean
        return f"{mean} / {module}(F.pad(torch.ones_like({x}), {pad}))"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        none, some = (0, 0, 0, 0), (1, 1, 0, 1)
        common = {"kernel_size": (3, 2), "stride": (2, 2), "padding": some}
        return (
            (cls(kernel_size=(2, 3), stride=None, padding=none), ((3, 6, 7),)),
            (cls(**common), ((2, 7, 5),)),  # type: ignore[arg-type]
            (cls(**common, count_include_pad=False), ((2, 7, 5),)),  # type: ignore[arg-type]
        )
