"""Root mean square normalisation."""

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

_EPSILON = 2.0**-23  # of f32: what PyTorch takes where eps is not given


@LAYERS.register("rms_norm")
@dataclass(frozen=True, kw_only=True)
class RMSNorm(Layer):
    """The last axes of each sample over their root mean square, as torch.nn.RMSNorm."""

    normalises = True

    normalized_shape: tuple[int, ...] = integers(max_items=3, minimum=1, help="the last axes")
    eps: float = number(default=_EPSILON, minimum=0.0, help="added to the mean square")
    elementwise_affine: bool = boolean(default=True, help="a learnable weight an element")

    def output_shape(self, *inputs: Shape) -> Shape:
        check_rows(self.normalized_shape, inputs[0])
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        shape = self.normalized_shape
        return {"weight": shape} if self.elementwise_affine else {}

    def forward(self, node: Node) -> tuple[Step, ...]:
        return row_norm_forward(node, self._settings, self.normalized_shape)

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        return row_norm_backward(node, gradients, self._settings, self.normalized_shape)

    @property
    def _settings(self) -> Settings:
        return Settings(self.eps, centered=False)

    def torch_module(self, node: Node) -> str:
        options = f"eps={self.eps!r}"
        options += "" if self.elementwise_affine else ", elementwise_affine=False"
        return f"nn.RMSNorm({self.normalized_shape}, {options})"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return (
            (cls(normalized_shape=(13,)), ((13,),)),
            (cls(normalized_shape=(6,), eps=1e-3), ((5, 6),)),
        )
