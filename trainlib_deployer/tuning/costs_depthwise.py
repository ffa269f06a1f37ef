"""Costs of depthwise convolutions with a window of 3 x 3."""

from __future__ import annotations

from trainlib_deployer.tuning.costs import Fields, cost, share, weighted

_Factors = tuple[tuple[float, ...], tuple[float, ...]]  # of `weighted`

# Measured on random shapes, by the horizontal stride.
_FORWARD: dict[int, _Factors] = {
    1: ((643.4, 231.4, 13.3, 12.9), (607.7, 172.3, 25.4, 17.6)),
    2: ((513.4, 319.7, 0.0, 16.0), (617.8, 292.2, 2.9, 18.4)),
}
_BACKWARD: dict[int, _Factors] = {
    1: ((585.1, 573.6, 0.0, 13.9), (635.1, 434.3, 3.4, 18.7)),
    2: ((858.5, 412.5, 62.5, 16.2), (925.2, 301.9, 68.3, 19.2)),
}
# The weight gradient: both strides.
_SUMS: _Factors = ((702.0, 164.0, 10.4, 5.43), (679.0, 183.0, 9.74, 6.38))


def _parts(own: float, each: float, cores: int) -> float:
    """What the slowest core begins of things that have so many items each."""
    return own / each + (0.5 if cores > 1 else 0)


def _rows(f: Fields, lines: float, columns: float, factors: _Factors, cores: int) -> float:
    """Planes that the slowest core begins, its rows of them, and what these count."""
    own = share(f["n"] * f["co"] * lines, cores)
    return weighted((1, _parts(own, lines, cores), own, own * columns), *factors, cores)


@cost("tl_conv2d_dw3_fw_f32")
def _fw(f: Fields, cores: int) -> float:
    return _rows(f, f["ho"], f["wo"], _FORWARD[int(f["stride_w"])], cores)


@cost("tl_conv2d_dw3_ig_f32")
def _ig(f: Fields, cores: int) -> float:
    lines, columns = int(f["hi"]), int(f["wi"])
    if f["stride_w"] == 2:  # rows and columns in pairs; with stride_h = 1 each row twice
        apart = int(f["stride_h"])
        lines = -(-(lines + int(f["pad_top"]) % apart) // apart) * (
            2 if apart == 1 else -(-apart // 2)
        )
        columns = -(-columns // 2)
    return _rows(f, lines, columns, _BACKWARD[int(f["stride_w"])], cores)


@cost("tl_conv2d_dw3_wg_f32")
def _wg(f: Fields, cores: int) -> float:
    """Rows of windows of the slowest core; rows and elements of dy for them, bias included."""
    own = share(3 * f["co"], cores) * f["n"]
    return weighted((1, own, own * f["ho"], own * f["ho"] * f["wo"]), *_SUMS, cores)
