"""Cycles of the dense convolution kernels, by how often the slowest core does what."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from trainlib_deployer.tuning.costs import Fields, LinearCost, cost, share

_OUTPUTS = 2  # a block of outputs: channels x pixels
_PIXELS = 6
_PRODUCT = 4  # 1 x 1: 4 x 4


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


def _product(
    planes: float, rows: float, columns: float, depth: float, cores: int
) -> tuple[float, ...]:
    """Blocks of a product of matrices, turns of their loop, products and loads in them."""
    down, across = ceil(rows / _PRODUCT), ceil(columns / _PRODUCT)
    blocks = share(planes * down * across, cores)
    products, loads = rows / down * columns / across, rows / down + columns / across
    return (blocks, *(blocks * depth * each for each in (1, products, loads)))


def _pointwise_forward(f: Fields, cores: int) -> tuple[float, ...]:
    g = f["groups"]
    return 1.0, *_product(f["n"] * g, f["co"] / g, f["ho"] * f["wo"], f["ci"] / g, cores)


def _pointwise_input_gradient(f: Fields, cores: int) -> tuple[float, ...]:
    g = f["groups"]
    return 1.0, *_product(f["n"] * g, f["ci"] / g, f["ho"] * f["wo"], f["co"] / g, cores)


def _pointwise_weight_gradient(f: Fields, cores: int) -> tuple[float, ...]:
    g, pixels = f["groups"], f["n"] * f["ho"] * f["wo"]
    bias = f["co"] * pixels / cores
    return 1.0, *_product(g, f["co"] / g, f["ci"] / g, pixels, cores), bias


# What each takes: found by `python -m tests.bench.bench_costs --kernel conv2d_ --fit`.

cost("tl_conv2d_1x1_fw_f32")(
    LinearCost(
        _pointwise_forward,
        alone=(2224, 47.57, 17.71, 0, 0),
        shared=(2177, 125.9, 38.41, 0, 0),
    )
)
cost("tl_conv2d_fw_f32")(
    LinearCost(
        _forward,
        alone=(3969, 91.94, 118.3, 0, 1.418, 1.863),
        shared=(3519, 204.5, 259.1, 0, 2.775, 3.716),
    )
)
cost("tl_conv2d_1x1_ig_f32")(
    LinearCost(
        _pointwise_input_gradient,
        alone=(1904, 33.94, 0, 1.001, 0.2725),
        shared=(1738, 105.9, 0, 2.6, 0),
    )
)
cost("tl_conv2d_ig_f32")(
    LinearCost(
        _input_gradient,
        alone=(5225, 1017, 151.4, 84.78, 0, 3.051, 0),
        shared=(5033, 862.5, 330.9, 187.9, 0, 6.026, 0),
    )
)
cost("tl_conv2d_1x1_wg_f32")(
    LinearCost(
        _pointwise_weight_gradient,
        alone=(2692, 36.07, 0, 1.366, 0, 2.143),
        shared=(1201, 969.6, 0, 1.937, 0, 4.916),
    )
)
cost("tl_conv2d_wg_f32")(
    LinearCost(
        _weight_gradient,
        alone=(4620, 616, 0, 0, 3.345, 0, 1.701),
        shared=(4221, 1282, 0, 0, 6.712, 0, 0.3828),
    )
)
cost("tl_conv2d_1x1s2_fw_f32")(
    LinearCost(
        _pointwise_forward,
        alone=(2224, 47.57, 17.71, 0, 0),
        shared=(2021, 237.5, 0, 2.357, 0),
    )
)
cost("tl_conv2d_1x1s2_ig_f32")(
    LinearCost(
        _pointwise_input_gradient,
        alone=(1904, 33.94, 0, 1.001, 0.2725),
        shared=(2219, 333.6, 0, 2.457, 0),
    )
)
cost("tl_conv2d_1x1s2_wg_f32")(
    LinearCost(
        _pointwise_weight_gradient,
        alone=(2692, 36.07, 0, 1.366, 0, 2.143),
        shared=(2343, 570.9, 9.432, 0, 3.862, 16.82),
    )
)
cost("tl_conv2d_k3_fw_f32", "tl_conv2d_k4_fw_f32", "tl_conv2d_k5_fw_f32", "tl_conv2d_k7_fw_f32")(
    LinearCost(
        _forward,
        alone=(3130, 256.2, 74.32, 1.705, 0.5764, 1.147),
        shared=(2879, 514.1, 173.2, 2.515, 1.093, 2.362),
    )
)
cost("tl_conv2d_k3_ig_f32", "tl_conv2d_k4_ig_f32", "tl_conv2d_k5_ig_f32", "tl_conv2d_k7_ig_f32")(
    LinearCost(
        _input_gradient,
        alone=(4164, 939, 340.9, 62.31, 3.469, 0.9761, 0),
        shared=(3960, 765.9, 641.5, 142.1, 8.545, 1.892, 0),
    )
)
cost("tl_conv2d_k3_wg_f32", "tl_conv2d_k4_wg_f32", "tl_conv2d_k5_wg_f32", "tl_conv2d_k7_wg_f32")(
    LinearCost(
        _weight_gradient,
        alone=(4410, 159.1, 81.98, 5.324, 0.9347, 0.1461, 4.257),
        shared=(3869, 241.2, 0, 26.56, 1.935, 0, 1.541),
    )
)
