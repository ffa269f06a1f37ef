"""Costs of element-wise kernels, pooling and losses."""

from __future__ import annotations

from collections.abc import Callable

from trainlib_deployer.tuning.costs import ALONE_MAX, Fields, Formula, cost, share, start


def each(alone: float, together: float, rest: float, members: int, block: int = 4) -> Formula:
    """Turns of `block` elements: cycles an element, also where cores share FPUs, and of those that
    fill no turn."""

    def formula(f: Fields, cores: int) -> float:
        full, left = divmod(int(f["count"]), block)
        turns = full + (left > 0)
        own = share(turns, cores)
        cycles = (alone if cores <= ALONE_MAX else together) * block
        longest = own * cycles if turns > own or not left else 0.0
        last = (own - 1) * cycles + rest * left if turns % own == 0 else 0.0
        return start(members) + max(longest, last)

    return formula


cost("tl_relu_fw_f32")(each(3.5, 3.6, 9, 1, block=8))
cost("tl_relu_ig_f32")(each(5.0, 5.0, 12, 2))
cost("tl_leaky_relu_fw_f32")(each(4.0, 4.7, 10, 2))
cost("tl_leaky_relu_ig_f32")(each(6.0, 6.0, 14, 3))
cost("tl_add_fw_f32")(each(4.0, 4.0, 10, 1))
cost("tl_pass_fw_f32", "tl_pass_ig_f32")(each(2.2, 2.2, 8, 2))


def _pool(alone: float, together: float, row: float, accumulating: float = 0) -> Formula:
    """Rows of y, cycles a window, and a row; windows that add to what is there. A last row of x
    that no window reaches makes each plane a loop of its own, and a gradient clears it."""

    def formula(f: Fields, cores: int) -> float:
        window = alone if cores <= ALONE_MAX else together
        window = accumulating if accumulating and f["accumulate"] else window
        rows = share(f["n"] * f["c"] * f["ho"], cores)
        planes = rows / f["ho"] + 0.5 if f["hi"] % 2 else 0
        odd = planes * (60 + (8 * f["wi"] if accumulating else 0))
        return start(7) + rows * (row + f["wo"] * window) + odd

    return formula


cost("tl_max_pool2d_k2_fw_f32")(_pool(10, 10.8, 3))
cost("tl_max_pool2d_k2_ig_f32")(_pool(18, 18.6, 4, 45))
cost("tl_avg_pool2d_k2_fw_f32")(_pool(9, 9.8, 3))
cost("tl_avg_pool2d_k2_ig_f32")(_pool(6, 6.3, 4, 20))


def _whole(f: Fields, cores: int, members: int, plane: float) -> float:
    """Of whole planes. Cores divide one after the other, where the size is no power of two."""
    size = int(f["kh"] * f["kw"])
    divisions = 14 * cores if size & (size - 1) else 0
    return start(members) + divisions + share(f["n"] * f["c"], cores) * plane


@cost("tl_avg_pool2d_whole_fw_f32")
def _whole_fw(f: Fields, cores: int) -> float:
    return _whole(f, cores, 4, 8 + 2.0 * f["kh"] * f["kw"])


@cost("tl_avg_pool2d_whole_ig_f32")
def _whole_ig(f: Fields, cores: int) -> float:
    size = f["kh"] * f["kw"]
    return _whole(f, cores, 5, 22 + 6.0 * size if f["accumulate"] else 7 + size)


def _windows(tap: float, window: float) -> Callable[[Fields], float]:
    return lambda f: window + tap * float(f["kh"] * f["kw"])


@cost("tl_max_pool2d_fw_f32")
def _max_fw(f: Fields, cores: int) -> float:
    own = share(f["n"] * f["c"] * f["ho"], cores)
    return start(12) + own * (110 + f["wo"] * _windows(17, 70)(f))


@cost("tl_avg_pool2d_fw_f32")
def _avg_fw(f: Fields, cores: int) -> float:
    own = share(f["n"] * f["c"] * f["ho"], cores)
    return start(12) + own * (110 + f["wo"] * _windows(9.5, 63)(f))


def _windows_back(tap: float, window: float, row: float) -> Formula:
    """Of rows of dx: every window that reaches them, and what clears them."""

    def formula(f: Fields, cores: int) -> float:
        rows = share(f["n"] * f["c"] * f["hi"], cores)
        windows = row + f["wo"] * _windows(tap, window)(f)
        return start(12) + rows * f["wi"] * 4 + (rows / f["stride_h"] + 1) * windows

    return formula


cost("tl_max_pool2d_ig_f32")(_windows_back(23.2, 43, 84))
cost("tl_avg_pool2d_ig_f32")(_windows_back(13.9, 45, 97))


_EXP = 75.0
_PARTS = 16  # of sums


def _samples(f: Fields, cores: int) -> int | None:
    """How many samples the slowest core takes on its own; None: all cores work on one."""
    n = int(f["n"])
    return share(n, cores) if n > 1 and (2 * n >= cores or f["classes"] <= _PARTS) else None


@cost("tl_cross_entropy_fw_f32")
def _cross_entropy_fw(f: Fields, cores: int) -> float:
    classes, samples = f["classes"], _samples(f, cores)
    if samples is not None:
        in_a_part = share(f["n"], _PARTS)
        samples = share(share(f["n"], in_a_part), cores) * in_a_part
        return 300 + samples * (1240 + 11 * classes + classes * (_EXP + 10))
    own = min(share(_PARTS, cores) * share(classes, _PARTS), classes)
    each = 810 + 55 * share(_PARTS, cores) + 11 * classes + own * (_EXP + 10)
    return 150 + f["n"] * each


@cost("tl_cross_entropy_ig_f32")
def _cross_entropy_ig(f: Fields, cores: int) -> float:
    classes, samples = f["classes"], _samples(f, cores)
    if samples is not None:
        return 300 + samples * (100 + 19 * classes + classes * (_EXP + 14))
    return 300 + f["n"] * (270 + 19 * classes + share(classes, cores) * (_EXP + 14))


@cost("tl_mse_fw_f32")
def _mse_fw(f: Fields, cores: int) -> float:
    own = min(share(_PARTS, cores) * share(f["count"], _PARTS), f["count"])
    return 400 + share(_PARTS, cores) * 50 + own * (5.7 if cores <= ALONE_MAX else 7.8)


@cost("tl_mse_ig_f32")
def _mse_ig(f: Fields, cores: int) -> float:
    # each core divides, one after the other
    return each(5.0, 5.0, 11, 2)(f, cores) + 25 + 14 * cores
