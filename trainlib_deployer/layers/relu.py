"""Rectified linear units."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainlib_deployer.ir.elementwise import elementwise_step
from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Phase, Step
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Gradients, Layer


@LAYERS.register("relu")
@dataclass(frozen=True, kw_only=True)
class Relu(Layer):
    """max(x, 0), as torch.nn.ReLU; the derivative at 0 is 0."""

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def forward(self, node: Node) -> tuple[Step, ...]:
        x, y = node.inputs[0], node.output
        return (elementwise_step(node.name, Phase.FW, "relu", y, (x,), accumulate=False),)

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        dx = gradients.dx[0]
        if dx is None:
            return ()
        inputs = (gradients.dy, node.inputs[0])
        add = gradients.accumulate[0]
        step = elementwise_step(node.name, Phase.IG, "relu", dx, inputs, accumulate=add)
        # the output is positive where the input is
        return (replace(step, instead=((2, node.output),)),)

    def torch_module(self, node: Node) -> str:
        return "nn.ReLU()"

    def torch_kink(self, x: str) -> str:
        return f"distance_to_zero({x})"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return ((cls(), ((3, 5, 7),)),)
