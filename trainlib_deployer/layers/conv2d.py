"""2-D convolution: full, grouped, depthwise and pointwise."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import (
    Axis,
    Loop,
    Phase,
    Step,
    TileField,
    Tiling,
    along,
    count_of,
    length_of,
    read,
    reduction,
    write,
)
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import CONTINUED, DECAYS, Gradients, Layer, ShapeError
from trainlib_deployer.layers.geometry import (
    Padding,
    Pair,
    image_shape,
    input_axis,
    output_axis,
    pad_of_inputs,
    pad_of_outputs,
    symmetric,
    torch_pad,
    window_shape,
)
from trainlib_deployer.spec.fields import boolean, integer, padding, pair


@LAYERS.register("conv2d")
@dataclass(frozen=True, kw_only=True)
class Conv2d(Layer):
    """2-D convolution, as torch.nn.Conv2d; `groups` = channels is depthwise."""

    out_channels: int = integer(minimum=1, help="channels of the output")
    kernel_size: Pair = pair(minimum=1, help="height and width of the kernel")
    stride: Pair = pair(default=1, minimum=1, help="step of the window")
    padding: Padding = padding(default=0, help="zeros around the input")
    dilation: Pair = pair(default=1, minimum=1, maximum=1, help="only 1 is built")
    groups: int = integer(default=1, minimum=1, help="blocked connections; divides both channels")
    bias: bool = boolean(default=True, help="add a learnable bias")

    def output_shape(self, *inputs: Shape) -> Shape:
        channels, _, _ = image_shape(inputs[0])
        for side, count in (("input's", channels), ("output's", self.out_channels)):
            if count % self.groups:
                raise ShapeError(f"takes groups that divide the {side} {count} channels")
        return (
            self.out_channels,
            *window_shape(inputs[0], self.kernel_size, self.stride, self.padding),
        )

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        weight = (self.out_channels, inputs[0][0] // self.groups, *self.kernel_size)
        return {"weight": weight, **({"bias": (self.out_channels,)} if self.bias else {})}

    def rows_make_channels(self, *inputs: Shape) -> bool:
        return True

    def forward(self, node: Node) -> tuple[Step, ...]:
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        x, y = node.inputs[0], node.output
        dense = self.groups == 1
        step = self._step(
            node,
            Phase.FW,
            loops=(
                Loop("n", y.shape[0]),
                Loop("co", y.shape[1]),
                Loop("ho", y.shape[2]),
                Loop("wo", y.shape[3]),
                reduction("ci", x.shape[1] // self.groups),
                reduction("kh", kh),
                reduction("kw", kw),
            ),
        )
        input_rows = input_axis("ho", "kh", sh, self.padding[0])
        input_columns = input_axis("wo", "kw", sw, self.padding[2])
        operands = (
            write(y, along("n"), along("co"), along("ho"), along("wo")),
            read(
                x,
                along("n"),
                along("ci") if dense else self._channels_of("co", node),
                input_rows,
                input_columns,
            ),
            read(node.parameters["weight"], along("co"), along("ci"), along("kh"), along("kw")),
            read(node.parameters.get("bias"), along("co"), optional=True),
        )
        return (replace(step, operands=operands),)

    def backward(self, node: Node, gradients: Gradients) -> tuple[Step, ...]:
        steps = []
        if gradients.dx[0] is not None:
            steps.append(self._input_gradient(node, gradients))
        if gradients.dparams:
            steps.append(self._weight_gradient(node, gradients))
        return tuple(steps)

    def _input_gradient(self, node: Node, gradients: Gradients) -> Step:
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        x, dy = node.inputs[0], gradients.dy
        dense = self.groups == 1
        step = self._step(
            node,
            Phase.IG,
            gradients.accumulate[0],
            loops=(
                Loop("n", x.shape[0]),
                Loop("ci", x.shape[1]),
                Loop("hi", x.shape[2]),
                Loop("wi", x.shape[3]),
                reduction("co", dy.shape[1] // self.groups),
                reduction("kh", kh),
                reduction("kw", kw),
            ),
        )
        outputs = along("co") if dense else self._channels_of("ci", node)
        operands = (
            write(
                gradients.dx[0],
                along("n"),
                along("ci"),
                along("hi"),
                along("wi"),
                accumulate=gradients.accumulate[0],
            ),
            read(
                dy,
                along("n"),
                outputs,
                output_axis("hi", "kh", sh, self.padding[0]),
                output_axis("wi", "kw", sw, self.padding[2]),
            ),
            read(
                node.parameters["weight"],
                outputs,
                along("ci") if dense else Axis(),
                along("kh"),
                along("kw"),
            ),
        )
        return replace(step, operands=operands)

    def _weight_gradient(self, node: Node, gradients: Gradients) -> Step:
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        x, dy = node.inputs[0], gradients.dy
        dense = self.groups == 1
        step = self._step(
            node,
            Phase.WG,
            loops=(
                Loop("co", dy.shape[1]),
                Loop("ci", x.shape[1] // self.groups),
                Loop("kh", kh),
                Loop("kw", kw),
                reduction("n", dy.shape[0]),
                reduction("ho", dy.shape[2]),
                reduction("wo", dy.shape[3]),
            ),
        )
        operands = (
            write(gradients.dparams["weight"], along("co"), along("ci"), along("kh"), along("kw")),
            write(gradients.dparams.get("bias"), along("co"), optional=True),
            read(
                x,
                along("n"),
                along("ci") if dense else self._channels_of("co", node),
                input_axis("ho", "kh", sh, self.padding[0]),
                input_axis("wo", "kw", sw, self.padding[2]),
            ),
            read(dy, along("n"), along("co"), along("ho"), along("wo")),
        )
        # the groups of a part of the channels are no simple number
        cuts = {"co": "co"} if dense else {}
        return replace(step, operands=operands, cuts=cuts, absorbs=DECAYS)

    def _depthwise(self, node: Node) -> bool:
        return 1 < self.groups == node.inputs[0].shape[1] == self.out_channels

    def _channels_of(self, loop: str, node: Node) -> Axis:
        """Channels on the other side of a range of them: one each when depthwise, else all."""
        return along(loop) if self._depthwise(node) else Axis()

    def _tiling(self, node: Node, phase: Phase) -> Tiling:
        """Any part of the channels and of the image; the channels of groups only together."""
        (sh, sw), (top, _, left, _) = self.stride, self.padding
        fields: dict[str, TileField] = {"n": count_of("n")}
        if phase is Phase.IG:
            over = ("hi", "wi")
            fields |= {"ho": length_of(1, 2), "wo": length_of(1, 3)}
            fields |= {"pad_top": pad_of_inputs("hi", 1, 2, sh, top)}
            fields |= {"pad_left": pad_of_inputs("wi", 1, 3, sw, left)}
        else:
            x = 1 if phase is Phase.FW else 2
            over = ("ho", "wo")
            fields |= {"hi": length_of(x, 2), "wi": length_of(x, 3)}
            fields |= {"pad_top": pad_of_outputs("ho", x, 2, sh, top)}
            fields |= {"pad_left": pad_of_outputs("wo", x, 3, sw, left)}
        fields |= {name: count_of(name) for name in over}
        outer, inner = ("ci", "co") if phase is Phase.IG else ("co", "ci")
        loops: tuple[str, ...] = (over[0],)
        if self._depthwise(node):
            loops = (outer, *loops)
            fields |= {name: count_of(outer) for name in ("ci", "co", "groups")}
        elif self.groups == 1:
            loops = (outer, inner, *loops)
            fields |= {name: count_of(name) for name in ("ci", "co")}
        return Tiling(("n", *loops), (over[1],), fields, CONTINUED)

    def _step(
        self, node: Node, phase: Phase, accumulate: bool = False, *, loops: tuple[Loop, ...]
    ) -> Step:
        n, ci, hi, wi = node.inputs[0].shape
        _, co, ho, wo = node.output.shape
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        fields: dict[str, int | float] = {
            "n": n, "ci": ci, "hi": hi, "wi": wi, "co": co, "ho": ho, "wo": wo, "kh": kh, "kw": kw,
            "stride_h": sh, "stride_w": sw,
            "pad_top": self.padding[0], "pad_left": self.padding[2],
            "groups": self.groups, "accumulate": int(accumulate),
            "scale": 1.0, "decay": 1.0, "bias_decay": 1.0,
        }  # fmt: skip
        return Step(
            name=f"{node.name}.{phase.value}",
            layer=node.name,
            phase=phase,
            op="conv2d",
            fields=fields,
            operands=(),
            loops=loops,
            macs=n * co * ho * wo * (ci // self.groups) * kh * kw,
            comment=f"{ci}x{hi}x{wi} -> {co}x{ho}x{wo}, kernel {kh}x{kw}"
            + (f", stride {sh}x{sw}" if (sh, sw) != (1, 1) else "")
            + (f", {self.groups} groups" if self.groups > 1 else ""),
            tiling=self._tiling(node, phase),
            per_sample={"n": 1},
        )

    def torch_module(self, node: Node) -> str:
        top, _, left, _ = self.padding
        arguments = [f"{node.inputs[0].shape[1]}, {self.out_channels}, {self.kernel_size}"]
        if self.stride != (1, 1):
            arguments.append(f"stride={self.stride}")
        if symmetric(self.padding) and any(self.padding):
            arguments.append(f"padding={(top, left)}")
        if self.groups != 1:
            arguments.append(f"groups={self.groups}")
        if not self.bias:
            arguments.append("bias=False")
        return f"nn.Conv2d({', '.join(arguments)})"

    def torch_call(self, module: str, inputs: tuple[str, ...]) -> str:
        if symmetric(self.padding):
            return f"{module}({inputs[0]})"
        return f"{module}(F.pad({inputs[0]}, {torch_pad(self.padding, '0.0')}))"

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        def case(
            shape: Shape, channels: int, kernel: Pair, **options: object
        ) -> tuple[Layer, tuple[Shape, ...]]:
            filled = {"stride": (1, 1), "padding": (0, 0, 0, 0), **options}
            return cls(out_channels=channels, kernel_size=kernel, **filled), (shape,)  # type: ignore[arg-type]

        return (
            case((3, 9, 7), 5, (3, 3), padding=(1, 1, 1, 1)),
            case((4, 8, 11), 6, (3, 2), stride=(2, 3), padding=(0, 1, 2, 1), groups=2, bias=False),
            case((5, 7, 7), 5, (3, 3), padding=(1, 1, 1, 1), groups=5),
            case((6, 5, 5), 7, (1, 1)),
        )
