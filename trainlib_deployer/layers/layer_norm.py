"""Layer normalisation."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Gradients, Layer
from trainlib_deployer.layers.normalisation import Settings
from trainlib_deployer.layers.row_norm import check_rows, row_norm_backward, row_norm_forward
from trainlib_deployer.spec.fields import boolean, integers, number


@LAYERS.register("layer_norm")
@dataclass(frozen=True, kw_only=True)
class LayerNorm(Layer):
    """The last axes of each sample, as torch.nn.LayerNorm."""

    normalises = True

    normalized_shape: tuple[int, ...] = integers(max_items=3, minimum=1, help="the last axes")
    eps: float = number(default=1e-5, minimum=0.0, help="added to the variance")
    elementwise_affine: bool = boolean(default=True, help="a learnable weight an element")
    bias: bool = boolean(default=True, help="with elementwise_affine: a learnable bias too")

    def output_shape(self, *inputs: Shape) -> Shape:
        check_rows(self.normalized_shape, inputs[0])
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        shape = self.normalized_shape
        if not self.elementwise_affine:
            return {}
        return {"weight": shape, **({"bias": shape} if self.bias else {})}

    def forward(self, node: Node) -> tuple[Step, ...]:
        return row_norm_forward(node, self._settings, self.normalized_shape)

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        return row_norm_backward(node, gradients, self._settings, self.normalized_shape)

    @property
    def _settings(self) -> Settings:
        return Settings(self.eps)

    def torch_module(self, node: Node) -> str:
        options = f"eps={self.eps!r}"
        options += "" if self.elementwise_affine else ", elementwise_affine=False"
        options += "" if self.bias else ", bias=False"
        return f"nn.LayerNorm({self.normalized_shape}, {options})"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return (
            (cls(normalized_shape=(13,)), ((13,),)),
            (cls(normalized_shape=(6,), bias=False), ((5, 6),)),
            (cls(normalized_shape=(2, 3, 4), elementwise_affine=False), ((2, 3, 4),)),
        )
