"""Fully connected layer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import (
    Loop,
    Phase,
    Step,
    Tiling,
    along,
    count_of,
    read,
    reduction,
    write,
)
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import CONTINUED, DECAYS, Gradients, Layer, ShapeError
from trainlib_deployer.spec.fields import boolean, integer


@LAYERS.register("linear")
@dataclass(frozen=True, kw_only=True)
class Linear(Layer):
    """Fully connected layer over the last axis, as torch.nn.Linear."""

    out_features: int = integer(minimum=1, help="size of the output's last axis")
    bias: bool = boolean(default=True, help="add a learnable bias")

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) == 3:
            raise ShapeError("takes (features) or (length, features); put a flatten before it")
        return (*inputs[0][:-1], self.out_features)

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        weight = (self.out_features, inputs[0][-1])
        return {"weight": weight, **({"bias": (self.out_features,)} if self.bias else {})}

    def rows_make_channels(self, *inputs: Shape) -> bool:
        return len(inputs[0]) == 1  # those of a sequence are its length

    def forward(self, node: Node) -> tuple[Step, ...]:
        n, ci, co = self._sizes(node)
        step = self._step(node, Phase.FW, (Loop("n", n), Loop("co", co), reduction("ci", ci)))
        operands = (
            write(node.output, along("n"), along("co")),
            read(node.inputs[0], along("n"), along("ci")),
            read(node.parameters["weight"], along("co"), along("ci")),
            read(node.parameters.get("bias"), along("co"), optional=True),
        )
        return (replace(step, operands=operands),)

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        n, ci, co = self._sizes(node)
        x, dy, dx = node.inputs[0], gradients.dy, gradients.dx[0]
        steps = []
        if dx is not None:
            add = gradients.accumulate[0]
            loops = (Loop("n", n), Loop("ci", ci), reduction("co", co))
            operands = (
                write(dx, along("n"), along("ci"), accumulate=add),
                read(dy, along("n"), along("co")),
                read(node.parameters["weight"], along("co"), along("ci")),
            )
            steps.append(replace(self._step(node, Phase.IG, loops, add), operands=operands))
        if gradients.dparams:
            loops = (Loop("co", co), Loop("ci", ci), reduction("n", n))
            sums = (
                write(gradients.dparams["weight"], along("co"), along("ci")),
                write(gradients.dparams.get("bias"), along("co"), optional=True),
                read(x, along("n"), along("ci")),
                read(dy, along("n"), along("co")),
            )
            step = self._step(node, Phase.WG, loops)
            steps.append(replace(step, operands=sums, cuts={"co": "co"}, absorbs=DECAYS))
        return tuple(steps)

    def _sizes(self, node: Node) -> tuple[int, int, int]:
        *rows, ci = node.inputs[0].shape
        return math.prod(rows), ci, self.out_features

    def _step(
        self, node: Node, phase: Phase, loops: tuple[Loop, ...], accumulate: bool = False
    ) -> Step:
        n, ci, co = self._sizes(node)
        fields: dict[str, int | float] = {
            "n": n, "ci": ci, "co": co, "accumulate": int(accumulate),
            "scale": 1.0, "decay": 1.0, "bias_decay": 1.0,
        }  # fmt: skip
        return Step(
            name=f"{node.name}.{phase.value}",
            layer=node.name,
            phase=phase,
            op="linear",
            fields=fields,
            operands=(),
            loops=loops,
            macs=n * ci * co,
            comment=f"{ci} -> {co}" + (f", {n} rows" if n > 1 else ""),
            tiling=Tiling(
                ("co", "ci") if phase is Phase.WG else ("n", loops[1].name),
                (loops[2].name,),
                {name: count_of(name) for name in ("n", "ci", "co")},
                CONTINUED,
            ),
            per_sample={"n": n // node.inputs[0].shape[0]},
        )

    def torch_module(self, node: Node) -> str:
        bias = "" if self.bias else ", bias=False"
        return f"nn.Linear({node.inputs[0].shape[-1]}, {self.out_features}{bias})"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return (
            (cls(out_features=7), ((13,),)),
            (cls(out_features=5, bias=False), ((3, 9),)),
        )
