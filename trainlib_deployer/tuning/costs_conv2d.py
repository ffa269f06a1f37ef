"""Cycles of the dense convolution kernels, by how often the slowest core does what."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from trainlib_deployer.tuning.costs import Counts, Fields, LinearCost, cost, product, share

_OUTPUTS = 2  # a block of outputs: channels x pixels
_PIXELS = 6


def _seen(taps: int, stride: int, pad: float, outputs: int, extent: float) -> float:
    """Taps of a window that lie inside the image, on average."""
    if outputs <= 0:
        return 0.0
    starts = range(-int(pad), outputs * stride - int(pad), stride)
    inside = sum(max(0, min(first + taps, int(extent)) - max(first, 0)) for first in starts)
    return inside / outputs


def _correlation(
    planes: float,
    outputs: float,
    rows: int,
    columns: int,
    turns: float,
    taps: int,
    step: int,
    cores: int,
) -> tuple[float, ...]:
    """Blocks below each other, blocks, turns of their loop, products and loads in them."""
    if not planes or not rows or not columns:
        return (0.0,) * 5
    pieces = ceil(columns / _PIXELS)
    pixels = columns / pieces
    blocks = share(planes * ceil(outputs / _OUTPUTS) * pieces * rows, cores)
    products = _OUTPUTS * pixels * taps
    loads = (pixels - 1) * step + taps + _OUTPUTS * taps
    return (blocks / rows, blocks, *(blocks * turns * each for each in (1, products, loads)))


def _forward(f: Fields, cores: int) -> tuple[float, ...]:
    groups = f["groups"]
    rows = _seen(int(f["kh"]), int(f["stride_h"]), f["pad_top"], int(f["ho"]), f["hi"])
    return 1.0, *_correlation(
        f["n"] * groups,
        f["co"] / groups,
        int(f["ho"]),
        int(f["wo"]),
        f["ci"] / groups * rows,
        int(f["kw"]),
        int(f["stride_w"]),
        cores,
    )


def _phases(
    extent: float, kernel: float, stride: float, pad: float
) -> Iterator[tuple[int, int, int]]:
    """Of an axis of dx, for each phase of a stride: elements, taps, the first element's window."""
    for phase in range(int(stride)):
        taps = max(0, ceil((kernel - phase) / stride))
        first = ceil((pad - phase) / stride)
        count = int((extent - 1 + pad - phase) // stride) - first + 1
        yield max(0, count), taps, first - taps + 1


def _input_gradient(f: Fields, cores: int) -> tuple[float, ...]:
    groups = f["groups"]
    total = [0.0] * 5
    for rows, taps_h, top in _phases(f["hi"], f["kh"], f["stride_h"], f["pad_top"]):
        seen = _seen(taps_h, 1, -top, rows, f["ho"])
        for columns, taps_w, _ in _phases(f["wi"], f["kw"], f["stride_w"], f["pad_left"]):
            part = _correlation(
                f["n"] * groups,
                f["ci"] / groups,
                rows,
                columns,
                f["co"] / groups * seen,
                taps_w,
                1,
                cores,
            )
            total = [old + new for old, new in zip(total, part, strict=True)]
    return 1.0, f["stride_h"] * f["stride_w"] - 1, *total


def _weight_gradient(f: Fields, cores: int) -> tuple[float, ...]:
    """Rows of the window for some output channels; strips of dy for each; the bias."""
    groups, kw = f["groups"], f["kw"]
    outputs = 4 if kw <= 3 else 3 if kw == 4 else 2
    blocks = share(groups * ceil(f["co"] / groups / outputs) * f["ci"] / groups * f["kh"], cores)
    pieces = ceil(f["wo"] / _PIXELS)
    pixels = f["wo"] / pieces
    seen = _seen(int(f["kh"]), int(f["stride_h"]), f["pad_top"], int(f["ho"]), f["hi"])
    strips = blocks * pieces * f["n"]
    rows = strips * f["ho"] * seen / f["kh"]
    loads = (pixels - 1) * f["stride_w"] + kw + outputs * pixels
    bias = f["co"] * f["n"] * f["ho"] * f["wo"] / cores
    return 1.0, blocks, strips, rows, rows * outputs * kw * pixels, rows * loads, bias


def _pointwise_forward(f: Fields, cores: int) -> tuple[float, ...]:
    g = f["groups"]
    return 1.0, *product(f["n"] * g, f["co"] / g, f["ho"] * f["wo"], f["ci"] / g, cores)


def _pointwise_input_gradient(f: Fields, cores: int) -> tuple[float, ...]:
    g = f["groups"]
    return 1.0, *product(f["n"] * g, f["ci"] / g, f["ho"] * f["wo"], f["co"] / g, cores)


def _pointwise_weight_gradient(f: Fields, cores: int) -> tuple[float, ...]:
    g, pixels = f["groups"], f["n"] * f["ho"] * f["wo"]
    bias = f["co"] * pixels / cores
    return 1.0, *product(g, f["co"] / g, f["ci"] / g, pixels, cores), bias


def _lone(counts: Counts, times: float) -> Counts:
    """Where a group has one output its blocks are narrow: so many times what their parts take."""

    def formula(f: Fields, cores: int) -> tuple[float, ...]:
        each = times if f["co"] == f["groups"] else 1.0
        return tuple(each * count for count in counts(f, cores))

    return formula


# What each takes: found by `python -m tests.bench.bench_costs --kernel conv2d_ --fit`.

cost("tl_conv2d_1x1_fw_f32")(
    LinearCost(
        _pointwise_forward,
        alone=(2400, 40.8, 24.07, 0, 0),
        shared=(2205, 23.9, 31.02, 0.03357, 0),
    )
)
cost("tl_conv2d_fw_f32")(
    LinearCost(
        _forward,
        alone=(3969, 91.94, 118.3, 0, 1.418, 1.863),
        shared=(3323, 0, 272.1, 0, 3.189, 3.646),
    )
)
cost("tl_conv2d_1x1_ig_f32")(
    LinearCost(
        _pointwise_input_gradient,
        alone=(2075, 68.32, 15.21, 0.4441, 0),
        shared=(1964, 10.07, 17.56, 0.8808, 0),
    )
)
cost("tl_conv2d_ig_f32")(
    LinearCost(
        _input_gradient,
        alone=(5225, 1017, 151.4, 84.78, 0, 3.051, 0),
        shared=(4153, 994.9, 283.5, 276.4, 0, 6.165, 0),
    )
)
cost("tl_conv2d_1x1_wg_f32")(
    LinearCost(
        _pointwise_weight_gradient,
        alone=(2408, 140.3, 17.16, 0, 0.7973, 1.903),
        shared=(1934, 213.3, 0, 1.334, 1.255, 2.13),
    )
)
cost("tl_conv2d_wg_f32")(
    LinearCost(
        _weight_gradient,
        alone=(3312, 1042, 0, 0, 7.478, 0, 0),
        shared=(3648, 1044, 0, 0, 7.425, 0, 0),
    )
)
cost("tl_conv2d_1x1s2_fw_f32")(
    LinearCost(
        _pointwise_forward,
        alone=(2349, 234.7, 1.966, 0, 2.97),
        shared=(2462, 172.2, 0, 2.086, 0),
    )
)
cost("tl_conv2d_1x1s2_ig_f32")(
    LinearCost(
        _pointwise_input_gradient,
        alone=(2500, 361.7, 0, 1.67, 0),
        shared=(2593, 274.6, 0, 2.146, 0),
    )
)
cost("tl_conv2d_1x1s2_wg_f32")(
    LinearCost(
        _pointwise_weight_gradient,
        alone=(2463, 255.5, 0, 2.01, 0, 8.737),
        shared=(2236, 355, 0, 1.706, 0, 19.17),
    )
)
cost("tl_conv2d_k3_fw_f32", "tl_conv2d_k5_fw_f32", "tl_conv2d_k7_fw_f32")(
    LinearCost(
        _lone(_forward, 1.8),
        alone=(3380, 505.6, 0, 0, 0.2666, 3.182),
        shared=(3251, 0, 0, 0, 1.104, 2.785),
    )
)
cost("tl_conv2d_k3_ig_f32", "tl_conv2d_k5_ig_f32", "tl_conv2d_k7_ig_f32")(
    LinearCost(
        _lone(_input_gradient, 1.88),
        alone=(3938, 2280, 548.2, 0, 2.561, 1.527, 0),
        shared=(3366, 1932, 241.9, 0, 2.71, 2.194, 0),
    )
)
cost("tl_conv2d_k3_wg_f32")(
    LinearCost(
        _lone(_weight_gradient, 1.42),
        alone=(1492, 188.2, 5.039, 0, 0.9858, 0.9785, 4.505),
        shared=(1250, 174.2, 10.35, 0, 0.9829, 1.904, 1.692),
    )
)
cost("tl_conv2d_k5_wg_f32", "tl_conv2d_k7_wg_f32")(
    LinearCost(
        _lone(_weight_gradient, 1.42),
        alone=(1824, 238.4, 0, 22.18, 1.221, 0, 5.6),
        shared=(1521, 231.8, 0, 5.691, 0.6645, 3.962, 3.759),
    )
)
cost("tl_conv2d_k4_fw_f32")(
    LinearCost(
        _forward,
        alone=(4650, 0, 238.8, 0, 1.373, 1.955),
        shared=(4188, 0, 66.7, 0, 2.275, 1.384),
    )
)
cost("tl_conv2d_k4_ig_f32")(
    LinearCost(
        _input_gradient,
        alone=(6827, 861.6, 579.6, 217.9, 0, 1.451, 0),
        shared=(6278, 1288, 236.4, 206.3, 0, 1.922, 0),
    )
)
cost("tl_conv2d_k4_wg_f32")(
    LinearCost(
        _weight_gradient,
        alone=(3975, 363.9, 0, 1.388, 1.502, 0, 43.72),
        shared=(3703, 320, 0, 0, 2.217, 0, 36.45),
    )
)
