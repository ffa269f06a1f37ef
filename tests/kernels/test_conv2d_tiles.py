"""Convolutions of a tile: the same kernels on a part of the image, its padding shifted.

A tile's operands are slices with a random margin around what the tile needs; whatever the margin,
the result is that part of the whole layer's result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kernels.cases import Case, assert_close, layer_cases, node_of, torch_results
from tests.kernels.harness import Array, Harness
from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Phase
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.layers.base import Gradients
from trainlib_deployer.layers.conv2d import Conv2d
from trainlib_deployer.tuning.kernels import Kernel, all_kernels

Range = tuple[int, int]
Fields = dict[str, int | float]


@dataclass(frozen=True)
class Cut:
    """One axis of a tile: a range of the output, and the slice of the operand that it reads."""

    out: Range
    source: Range


def _part(draw: st.DrawFn, extent: int) -> Range:
    first = draw(st.integers(0, extent - 1))
    return first, draw(st.integers(first + 1, extent))


def _with_margin(draw: st.DrawFn, low: int, high: int, extent: int) -> Range:
    """A slice that has at least [low, high) of an axis, and at least one element."""
    low, high = max(0, min(low, extent - 1)), min(extent, max(high, 1))
    first = draw(st.integers(0, low))
    return first, draw(st.integers(max(high, first + 1), extent))


@st.composite
def tiles(draw: st.DrawFn) -> tuple[Case, tuple[Cut, Cut], tuple[Cut, Cut]]:
    """A convolution, a tile of its output (rows, columns), and one of its input's gradient."""
    case = draw(layer_cases("conv2d"))
    layer = case.layer
    assert isinstance(layer, Conv2d)
    image, output = case.shapes[0][1:], layer.output_shape(*case.shapes)[1:]
    forward, backward = [], []
    for k in range(2):
        stride, kernel, pad = layer.stride[k], layer.kernel_size[k], layer.padding[2 * k]
        first, last = _part(draw, output[k])
        low, high = first * stride - pad, (last - 1) * stride - pad + kernel
        forward.append(Cut((first, last), _with_margin(draw, low, high, image[k])))
        first, last = _part(draw, image[k])
        low, high = -((kernel - 1 - first - pad) // stride), (last - 1 + pad) // stride + 1
        backward.append(Cut((first, last), _with_margin(draw, low, high, output[k])))
    return case, (forward[0], forward[1]), (backward[0], backward[1])


def _crop(array: Array, rows: Range, columns: Range) -> Array:
    return np.ascontiguousarray(array[:, :, slice(*rows), slice(*columns)])


def _fields(node: Node, phase: Phase) -> Fields:
    y = Tensor("tested.grad", Kind.INPUT_GRAD, node.output.shape)
    dx = Tensor("x0.grad", Kind.INPUT_GRAD, node.inputs[0].shape)
    dw = Tensor("dw", Kind.WEIGHT_GRAD, node.parameters["weight"].shape)
    steps = (
        *node.layer.forward(node),
        *node.layer.backward(node, Gradients(y, (dx,), (False,), {"weight": dw})),
    )
    return dict(next(step.fields for step in steps if step.phase is phase))


def _kernels(fields: Fields, phase: Phase) -> list[Kernel]:
    kernels = [
        kernel
        for kernel in all_kernels()
        if (kernel.op, kernel.phase) == ("conv2d", phase.value) and kernel.takes(fields)
    ]
    assert kernels
    return kernels


def _forward_fields(node: Node, phase: Phase, cuts: tuple[Cut, Cut]) -> Fields:
    layer = node.layer
    assert isinstance(layer, Conv2d)
    fields = _fields(node, phase)
    pads = (layer.padding[0], layer.padding[2])
    for k, (pad, out, source) in enumerate((("pad_top", "ho", "hi"), ("pad_left", "wo", "wi"))):
        cut = cuts[k]
        fields[pad] = pads[k] - cut.out[0] * layer.stride[k] + cut.source[0]
        fields[out] = cut.out[1] - cut.out[0]
        fields[source] = cut.source[1] - cut.source[0]
    return fields


def _backward_fields(node: Node, cuts: tuple[Cut, Cut]) -> Fields:
    layer = node.layer
    assert isinstance(layer, Conv2d)
    fields = _fields(node, Phase.IG)
    pads = (layer.padding[0], layer.padding[2])
    for k, (pad, out, source) in enumerate((("pad_top", "hi", "ho"), ("pad_left", "wi", "wo"))):
        cut = cuts[k]
        fields[pad] = pads[k] + cut.out[0] - cut.source[0] * layer.stride[k]
        fields[out] = cut.out[1] - cut.out[0]
        fields[source] = cut.source[1] - cut.source[0]
    return fields


def check_tiles(
    harness: Harness, case: Case, forward: tuple[Cut, Cut], backward: tuple[Cut, Cut]
) -> None:
    node = node_of(case)
    random = np.random.default_rng(case.seed)
    values: dict[str, Array] = {
        name: random.standard_normal(shape).astype(np.float32)
        for name, shape in (
            ("x0", node.inputs[0].shape),
            ("tested.grad", node.output.shape),
            *((p.name, p.shape) for p in node.parameters.values()),
        )
    }
    x, dy, w = values["x0"], values["tested.grad"], values["tested.weight"]
    bias = values.get("tested.bias")
    whole = torch_results(node, values)
    window = node.layer.kernel_size if isinstance(node.layer, Conv2d) else (1, 1)
    out = tuple(cut.out for cut in forward)
    source = tuple(cut.source for cut in forward)

    fields = _forward_fields(node, Phase.FW, forward)
    part = _crop(x, *source)
    for kernel in _kernels(fields, Phase.FW):
        y = np.full(_crop(dy, *out).shape, np.nan, np.float32)
        got = harness.run(kernel, case.cores, fields, [y, part, w, bias])[0]
        assert got is not None
        wanted = _crop(whole["tested"], *out)
        assert_close(got, wanted, w[0].size, kernel.function, float(np.abs(whole["tested"]).max()))

    masked = np.zeros_like(dy)
    masked[:, :, slice(*out[0]), slice(*out[1])] = _crop(dy, *out)
    sums = torch_results(node, {**values, "tested.grad": masked})["tested.weight.grad"]
    fields = _forward_fields(node, Phase.WG, forward)
    terms = dy.shape[0] * (out[0][1] - out[0][0]) * (out[1][1] - out[1][0])
    for kernel in _kernels(fields, Phase.WG):
        dw = np.full(w.shape, np.nan, np.float32)
        got = harness.run(kernel, case.cores, fields, [dw, None, part, _crop(dy, *out)])[0]
        assert got is not None
        assert_close(got, sums, terms, kernel.function)

    fields = _backward_fields(node, backward)
    for kernel in _kernels(fields, Phase.IG):
        dx = np.full(_crop(x, *(cut.out for cut in backward)).shape, np.nan, np.float32)
        part = _crop(dy, *(cut.source for cut in backward))
        got = harness.run(kernel, case.cores, fields, [dx, part, w])[0]
        assert got is not None
        wanted = _crop(whole["x0.grad"], *(cut.out for cut in backward))
        terms = w.shape[0] * window[0] * window[1]
        assert_close(got, wanted, terms, kernel.function, float(np.abs(whole["x0.grad"]).max()))


def test_a_tile_is_that_part_of_the_whole(harness: Harness) -> None:
    @settings(
        max_examples=250,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(tiles())
    def check(tile: tuple[Case, tuple[Cut, Cut], tuple[Cut, Cut]]) -> None:
        check_tiles(harness, *tile)

    check()
