"""Flatten: a copy under another shape, which the pass `views` makes a view."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainlib_deployer.ir.elementwise import copy_step
from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Phase, Step
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Layer


@LAYERS.register("flatten")
@dataclass(frozen=True, kw_only=True)
class Flatten(Layer):
    """All axes but the batch as one, as torch.nn.Flatten."""

    passes_gradient = True

    def output_shape(self, *inputs: Shape) -> Shape:
        return (math.prod(inputs[0]),)

    def forward(self, node: Node) -> tuple[Step, ...]:
        name = f"{node.name}.{Phase.FW.value}"
        return (copy_step(name, node.name, Phase.FW, node.output, node.inputs[0]),)

    def torch_module(self, node: Node) -> str:
        return "nn.Flatten()"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return ((cls(), ((2, 3, 4),)),)
