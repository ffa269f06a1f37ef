"""Cycles of the dense convolution kernels: blocks of 4 channels x 4 pixels, or x 4 taps."""

from __future__ import annotations

from trainlib_deployer.tuning.costs import Fields, cost, share, shared, start

_MEMBERS = 17
_ALONE = 26.0  # a turn of a block's loop: 16 products, 8 loads, the pointers and the branch
_PRODUCTS = 16.0
_BLOCK = 60.0  # its sums begun and stored
_VARIANTS = ("", "_1x1", "_k3", "_k5", "_k7")


def _blocks(items: float, turns: float, cores: int) -> float:
    """So many blocks with so many turns each, dealt out evenly."""
    one = shared(_ALONE * turns + _BLOCK, _PRODUCTS * turns, cores)
    return start(_MEMBERS) + share(items, cores) * one


def _quarters(count: float) -> int:
    return -(-int(count) // 4)


@cost(*(f"tl_conv2d{variant}_fw_f32" for variant in _VARIANTS))
def forward(f: Fields, cores: int) -> float:
    groups = f["groups"]
    rows = f["n"] * groups * _quarters(f["co"] / groups) * f["ho"]
    turns = f["ci"] / groups * f["kh"] * f["kw"]
    return _blocks(rows * _quarters(f["wo"]), turns, cores)


@cost(*(f"tl_conv2d{variant}_ig_f32" for variant in _VARIANTS))
def input_gradient(f: Fields, cores: int) -> float:
    groups = f["groups"]
    rows = f["n"] * groups * _quarters(f["ci"] / groups) * f["hi"]
    # a strided window meets every other output only
    turns = f["co"] / groups * f["kh"] * f["kw"] / (f["stride_h"] * f["stride_w"])
    return _blocks(rows * _quarters(f["wi"]), max(1.0, turns), cores)


@cost(*(f"tl_conv2d{variant}_wg_f32" for variant in _VARIANTS))
def weight_gradient(f: Fields, cores: int) -> float:
    groups = f["groups"]
    taps = f["ci"] / groups * f["kh"] * f["kw"]
    blocks = groups * _quarters(f["co"] / groups) * _quarters(taps)
    rows = f["n"] * f["ho"]
    return _blocks(blocks, rows * (f["wo"] + 1.0), cores)
