"""Residual addition."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.ir.elementwise import elementwise_step
from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Phase, Step
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Layer, ShapeError


@LAYERS.register("add")
@dataclass(frozen=True, kw_only=True)
class Add(Layer):
    """The sum of two tensors of one shape, as torch.add."""

    input_count = 2
    passes_gradient = True

    def output_shape(self, *inputs: Shape) -> Shape:
        if inputs[0] != inputs[1]:
            raise ShapeError("takes two inputs of one shape")
        return inputs[0]

    def forward(self, node: Node) -> tuple[Step, ...]:
        return (elementwise_step(node.name, Phase.FW, "add", node.output, node.inputs),)

    def torch_module(self, node: Node) -> None:
        return None

    def torch_call(self, module: str, inputs: tuple[str, ...]) -> str:
        return f"{inputs[0]} + {inputs[1]}"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return ((cls(), ((3, 4, 5), (3, 4, 5))),)
