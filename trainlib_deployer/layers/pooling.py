"""The Steps that all pooling layers share; the layers are in their own files."""

from __future__ import annotations

from dataclasses import replace

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import (
    Axis,
    Loop,
    Operand,
    Phase,
    Step,
    Tiling,
    along,
    count_of,
    length_of,
    read,
    reduction,
    write,
)
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.layers.base import Gradients, ShapeError
from trainlib_deployer.layers.geometry import (
    Padding,
    Pair,
    input_axis,
    output_axis,
    pad_of_outputs,
)


def check_padding(kernel: Pair, padding: Padding) -> None:
    """Every window must hold an element of the input."""
    if max(padding[:2]) >= kernel[0] or max(padding[2:]) >= kernel[1]:
        raise ShapeError("takes a padding smaller than its kernel_size")


def pool_forward(
    node: Node, op: str, kernel: Pair, stride: Pair, padding: Padding, include_pad: bool = True
) -> Step:
    n, c, ho, wo = node.output.shape
    operands = (
        write(node.output, along("n"), along("c"), along("ho"), along("wo")),
        read(
            node.inputs[0],
            along("n"),
            along("c"),
            input_axis("ho", "kh", stride[0], padding[0]),
            input_axis("wo", "kw", stride[1], padding[2]),
        ),
    )
    loops = (Loop("n", n), Loop("c", c), Loop("ho", ho), Loop("wo", wo))
    step = _step(node, Phase.FW, op, kernel, stride, padding, include_pad, False, operands, loops)
    image = {
        "hi": length_of(1, 2),
        "wi": length_of(1, 3),
        "pad_top": pad_of_outputs("ho", 1, 2, stride[0], padding[0]),
        "pad_left": pad_of_outputs("wo", 1, 3, stride[1], padding[2]),
    }
    counts = {name: count_of(name) for name in ("n", "c", "ho", "wo")}
    return replace(step, tiling=Tiling(("n", "c", "ho"), ("wo",), {**counts, **image}))


def pool_backward(
    node: Node,
    op: str,
    gradients: Gradients,
    kernel: Pair,
    stride: Pair,
    padding: Padding,
    *,
    saved: Tensor | None = None,
    include_pad: bool = True,
) -> tuple[Step, ...]:
    """dx from dy and, for max pooling, from the input: the maximum is found again."""
    dx, add = gradients.dx[0], gradients.accumulate[0]
    if dx is None:
        return ()
    n, c, hi, wi = dx.shape
    rows = output_axis("hi", "kh", stride[0], padding[0])
    columns = output_axis("wi", "kw", stride[1], padding[2])
    operands = [
        write(dx, along("n"), along("c"), along("hi"), along("wi"), accumulate=add),
        read(gradients.dy, along("n"), along("c"), rows, columns),
    ]
    if saved is not None:
        # whole planes: a window that reaches an input row may start in another tile
        operands.append(read(saved, along("n"), along("c"), Axis(), Axis()))
    loops = (Loop("n", n), Loop("c", c), Loop("hi", hi), Loop("wi", wi))
    return (
        _step(
            node, Phase.IG, op, kernel, stride, padding, include_pad, add, tuple(operands), loops
        ),
    )


def _step(
    node: Node,
    phase: Phase,
    op: str,
    kernel: Pair,
    stride: Pair,
    padding: Padding,
    include_pad: bool,
    accumulate: bool,
    operands: tuple[Operand, ...],
    loops: tuple[Loop, ...],
) -> Step:
    n, c, hi, wi = node.inputs[0].shape
    _, _, ho, wo = node.output.shape
    fields = {
        "n": n, "c": c, "hi": hi, "wi": wi, "ho": ho, "wo": wo,
        "kh": kernel[0], "kw": kernel[1], "stride_h": stride[0], "stride_w": stride[1],
        "pad_top": padding[0], "pad_left": padding[2],
        "count_include_pad": int(include_pad), "accumulate": int(accumulate),
    }  # fmt: skip
    return Step(
        name=f"{node.name}.{phase.value}",
        layer=node.name,
        phase=phase,
        op=op,
        fields=fields,
        operands=operands,
        loops=(*loops, reduction("kh", kernel[0]), reduction("kw", kernel[1])),
        macs=0,
        comment=f"{c}x{hi}x{wi} -> {c}x{ho}x{wo}, kernel {kernel[0]}x{kernel[1]}",
        # backward has to see whole windows, and whole planes hold them
        tiling=Tiling(("n", "c"), fields={"n": count_of("n"), "c": count_of("c")}),
        per_sample={"n": 1},
    )
