"""Costs of element-wise kernels, pooling and losses."""

from __future__ import annotations

from collections.abc import Callable

from trainlib_deployer.tuning.costs import Fields, Formula, cost, share, shared, start

_BLOCK = 16


def each(cycles: float, alone: float, products: float, members: int) -> Formula:
    """Elements in blocks of 16, `cycles` each; `alone` where they fill no block."""

    def formula(f: Fields, cores: int) -> float:
        own = share(f["count"], cores)
        blocks, rest = divmod(own, _BLOCK)
        body = shared(cycles * _BLOCK + 8, products * _BLOCK, cores, 0.2)
        return start(members) + blocks * body + rest * alone

    return formula


cost("tl_relu_fw_f32")(each(5.0, 10, 1, 1))
cost("tl_relu_ig_f32")(each(6.0, 12, 1, 2))
cost("tl_leaky_relu_fw_f32")(each(4.2, 10, 2, 2))
cost("tl_leaky_relu_ig_f32")(each(8.3, 14, 2, 3))
cost("tl_add_fw_f32")(each(4.0, 10, 1, 1))
cost("tl_pass_fw_f32", "tl_pass_ig_f32")(each(2.2, 8, 0, 2))


def _pool(window: float, row: float, of: str = "ho") -> Formula:
    """Rows of y: so many cycles a window, and a row."""

    def formula(f: Fields, cores: int) -> float:
        return start(10) + share(f["n"] * f["c"] * f[of], cores) * (row + f["wo"] * window)

    return formula


cost("tl_max_pool2d_k2_fw_f32")(_pool(30, 60))
cost("tl_max_pool2d_k2_ig_f32")(_pool(42, 75))
cost("tl_avg_pool2d_k2_fw_f32")(_pool(11, 52))
cost("tl_avg_pool2d_k2_ig_f32")(_pool(11, 75))


@cost("tl_avg_pool2d_whole_fw_f32")
def _whole_fw(f: Fields, cores: int) -> float:
    size = f["kh"] * f["kw"]
    return start(4) + 40 + share(f["n"] * f["c"], cores) * (30 + shared(2.35, 1, cores, 0.3) * size)


@cost("tl_avg_pool2d_whole_ig_f32")
def _whole_ig(f: Fields, cores: int) -> float:
    size = f["kh"] * f["kw"]
    each = 6.0 if f["accumulate"] else 1.4
    return start(5) + 40 + share(f["n"] * f["c"], cores) * (30 + each * size)


def _windows(tap: float, window: float) -> Callable[[Fields], float]:
    return lambda f: window + tap * float(f["kh"] * f["kw"])


@cost("tl_max_pool2d_fw_f32")
def _max_fw(f: Fields, cores: int) -> float:
    own = share(f["n"] * f["c"] * f["ho"], cores)
    return start(12) + own * (110 + f["wo"] * _windows(13, 90)(f))


@cost("tl_avg_pool2d_fw_f32")
def _avg_fw(f: Fields, cores: int) -> float:
    own = share(f["n"] * f["c"] * f["ho"], cores)
    return start(12) + own * (110 + f["wo"] * _windows(9, 95)(f))


@cost("tl_max_pool2d_ig_f32")
def _max_ig(f: Fields, cores: int) -> float:
    rows = share(f["n"] * f["c"] * f["hi"], cores)
    windows = (rows / f["stride_h"] + 1) * f["wo"]
    return start(12) + rows * f["wi"] * 4 + windows * _windows(13, 110)(f)


@cost("tl_avg_pool2d_ig_f32")
def _avg_ig(f: Fields, cores: int) -> float:
    rows = share(f["n"] * f["c"] * f["hi"], cores)
    windows = (rows / f["stride_h"] + 1) * f["wo"]
    return start(12) + rows * f["wi"] * 4 + windows * _windows(8, 85)(f)


_EXP = 75.0


@cost("tl_cross_entropy_fw_f32")
def _cross_entropy_fw(f: Fields, cores: int) -> float:
    classes = f["classes"]
    own = min(share(16, cores) * share(classes, 16), classes)
    return start(4) + f["n"] * (1150 + 6 * classes + own * _EXP) + 600


@cost("tl_cross_entropy_ig_f32")
def _cross_entropy_ig(f: Fields, cores: int) -> float:
    classes = f["classes"]
    return start(4) + f["n"] * (320 + 13 * classes + share(classes, cores) * (_EXP + 20)) + 360


@cost("tl_mse_fw_f32")
def _mse_fw(f: Fields, cores: int) -> float:
    own = min(share(16, cores) * share(f["count"], 16), f["count"])
    return start(3) + 330 + share(16, cores) * 30 + own * 10


@cost("tl_mse_ig_f32")
def _mse_ig(f: Fields, cores: int) -> float:
    # each core divides, one after the other
    return each(5.2, 11, 2, 2)(f, cores) + 25 + 14 * cores
