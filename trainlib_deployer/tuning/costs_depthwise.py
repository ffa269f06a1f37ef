"""Costs of depthwise convolutions with a window of 3 x 3."""

from __future__ import annotations

from trainlib_deployer.tuning.costs import Fields, cost, share, shared, start, weighted

_LINE = 50.0  # beginning and end of a row
_RUN = 490.0  # rows that see the same taps, in one call
_RUN_BACK = 660.0

_Factors = tuple[tuple[float, ...], tuple[float, ...]]  # of `weighted`

# Measured on random shapes, by the phase or the stride.
_STRIPS: dict[str, _Factors] = {
    "fw": ((1090.0, 388.0, 14.2), (1300.0, 262.0, 22.7)),
    "fw, stride 2": ((934.0, 270.0, 22.4), (808.0, 239.0, 30.4)),
    "ig": ((1260.0, 266.0, 16.0), (1417.0, 88.0, 25.0)),
}
_SUMS: dict[int, _Factors] = {
    1: ((485.0, 602.0, 81.5, 4.79, 6.65), (0.0, 846.0, 97.7, 7.25, 0.0)),
    2: ((485.0, 602.0, 81.5, 7.03, 6.65), (0.0, 846.0, 97.7, 10.3, 0.0)),
}

_SPREAD: _Factors = ((508.0, 1213.0, 49.6, 7.77), (966.0, 1187.0, 11.6, 8.72))


def _lines(f: Fields, lines: int, cores: int) -> tuple[int, float]:
    """Rows of the slowest core, and in how many runs it makes them where a plane takes three."""
    own = share(f["n"] * f["co"] * lines, cores)
    return own, _parts(3 * own, lines, cores)


def _parts(own: float, each: float, cores: int) -> float:
    """What the slowest core begins of things that have so many items each."""
    return own / each + (0.5 if cores > 1 else 0)


def _strips(f: Fields, lines: float, columns: float, name: str, cores: int) -> float:
    """Strips of three columns from top to bottom: those of the slowest core, and its elements."""
    strips = -(-int(columns) // 3)
    own = share(f["n"] * f["co"] * strips * lines, cores)
    return weighted((1, _parts(own, lines, cores), own * columns / strips), *_STRIPS[name], cores)


@cost("tl_conv2d_dw3_fw_f32")
def _fw(f: Fields, cores: int) -> float:
    if f["stride_h"] == f["stride_w"]:
        name = "fw" if f["stride_w"] == 1 else "fw, stride 2"
        return _strips(f, f["ho"], f["wo"], name, cores)
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
        return _strips(f, f["hi"], f["wi"], "ig", cores)
    own, runs = _lines(f, int(f["hi"]), cores)
    if f["stride_w"] == 1:
        row = f["wi"] / 3 * shared(53, 27, cores, 0.5) / f["stride_h"]
        return start(4) + own * (_LINE + row) + runs * _RUN_BACK
    return weighted((1, _parts(own, f["hi"], cores), own, own * f["wi"]), *_SPREAD, cores)


@cost("tl_conv2d_dw3_wg_f32")
def _wg(f: Fields, cores: int) -> float:
    """Channels of the slowest core, rows of dy in them, elements for rows of windows, the bias."""
    own = share(3 * f["co"], cores)
    lines = f["n"] * f["ho"]
    channels = _parts(own, 3, cores)
    outputs = own * lines * f["wo"]
    bias = share(f["co"], cores) * lines * f["wo"]
    counts = (1, channels, channels * lines, outputs, bias)
    return weighted(counts, *_SUMS[int(f["stride_w"])], cores)
