"""Leaky rectified linear units."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainlib_deployer.ir.elementwise import elementwise_step
from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Phase, Step
from trainlib_deployer.ir.tensor import Shape, Tensor
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Gradients, Layer
from trainlib_deployer.spec.fields import number


@LAYERS.register("leaky_relu")
@dataclass(frozen=True, kw_only=True)
class LeakyRelu(Layer):
    """x where x > 0, else negative_slope * x, as torch.nn.LeakyReLU."""

    negative_slope: float = number(default=0.01, help="slope for negative inputs")

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def forward(self, node: Node) -> tuple[Step, ...]:
        return (self._step(node, Phase.FW, node.output, (node.inputs[0],), False),)

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        dx = gradients.dx[0]
        if dx is None:
            return ()
        inputs = (gradients.dy, node.inputs[0])
        step = self._step(node, Phase.IG, dx, inputs, gradients.accumulate[0])
        # with such a slope the output is positive where the input is
        same_sign = self.negative_slope >= 0
        return (replace(step, instead=((2, node.output),) if same_sign else ()),)

    def _step(
        self, node: Node, phase: Phase, out: Tensor, inputs: tuple[Tensor, ...], add: bool
    ) -> Step:
        fields = {"negative_slope": float(self.negative_slope)}
        return elementwise_step(
            node.name, phase, "leaky_relu", out, inputs, accumulate=add, fields=fields
        )

    def torch_module(self, node: Node) -> str:
        return f"nn.LeakyReLU({self.negative_slope!r})"

    def torch_kink(self, x: str) -> str:
        return f"distance_to_zero({x})"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return ((cls(negative_slope=0.1), ((11,),)), (cls(negative_slope=-0.5), ((2, 3, 3),)))
