"""Costs of depthwise convolutions with a window of 3 x 3."""

from __future__ import annotations

from trainlib_deployer.tuning.costs import ALONE_MAX, Fields, cost, share, shared, start

_LINE = 50.0  # beginning and end of a row
_RUN = 490.0  # rows that see the same taps, in one call
_RUN_BACK = 660.0
_STRIP = 365.0  # beginning and end of a strip; where two cores share an FPU:
_STRIP_SHARED = 440.0


def _lines(f: Fields, lines: int, cores: int) -> tuple[int, float]:
    """Rows of the slowest core, and in how many runs it makes them where a plane takes three."""
    own = share(f["n"] * f["co"] * lines, cores)
    return own, 3 * own / lines + (0.5 if cores > 1 else 0)


def _strips(f: Fields, result: str, cores: int) -> float:
    """Strips of three columns from top to bottom: the rows of the slowest core, and its strips."""
    lines, columns = int(f[f"h{result}"]), int(f[f"w{result}"])
    strips = -(-columns // 3)
    own = share(f["n"] * f["co"] * strips * lines, cores)
    parts = own / lines + (0.5 if cores > 1 else 0)
    alone = cores <= ALONE_MAX
    row = 6.5 + columns / strips * 13.3 if alone else 5 + columns / strips * 20
    return start(12) + own * row + parts * (_STRIP if alone else _STRIP_SHARED)


@cost("tl_conv2d_dw3_fw_f32")
def _fw(f: Fields, cores: int) -> float:
    if f["stride_h"] == 1 and f["stride_w"] == 1:
        return _strips(f, "o", cores)
    own, runs = _lines(f, int(f["ho"]), cores)
    if f["stride_w"] == 1:
        row = f["wo"] / 3 * shared(53, 27, cores, 0.5)
    else:
        row = f["wo"] * shared(34, 9, cores, 0.3)
        runs *= 0.5
    return start(4) + own * (_LINE + row) + runs * _RUN


@cost("tl_conv2d_dw3_ig_f32")
def _ig(f: Fields, cores: int) -> float:
    if f["stride_h"] == 1 and f["stride_w"] == 1:
        return _strips(f, "i", cores)
    own, runs = _lines(f, int(f["hi"]), cores)
    if f["stride_w"] == 1:
        row = f["wi"] / 3 * shared(53, 27, cores, 0.5) / f["stride_h"]
    else:
        row = f["wi"] / 2 * shared(18, 4.5, cores, 0.3) - _LINE + 10
        runs *= 1.2
    return start(4) + own * (_LINE + row) + runs * _RUN_BACK


@cost("tl_conv2d_dw3_wg_f32")
def _wg(f: Fields, cores: int) -> float:
    lines = f["n"] * f["ho"]
    items = share(3 * f["co"], cores)
    if f["stride_w"] == 1:
        row = f["wo"] / 3 * shared(24, 9, cores, 0.3) + 60
    else:
        row = f["wo"] * shared(17, 3, cores, 0.3) + 45
    bias = share(f["co"], cores) * (f["n"] * f["ho"] * f["wo"] * 3.2 + 60)
    return start(14) + items * (lines * row + 250) + bias
