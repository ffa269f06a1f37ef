"""Costs of linear layers: one row of x, and register blocks of several rows."""

from __future__ import annotations

from trainlib_deployer.tuning.costs import Fields, LinearCost, cost, product, share, shared, start

_UNROLLED = 8


@cost("tl_linear_n1_fw_f32")
def _n1_fw(f: Fields, cores: int) -> float:
    """Rows of w in fours, then two, then one; eight columns at a time."""
    rows, depth = share(f["co"], cores), int(f["ci"])
    whole, rest = divmod(depth, _UNROLLED)
    total = start(4)
    for count, blocks in ((4, rows // 4), (2, rows % 4 // 2), (1, rows % 2)):
        block = shared(_UNROLLED * (2 * count + 1) + count + 4, _UNROLLED * count, cores, 0.3)
        total += blocks * (whole * block + rest * (3 * count + 5) + 45 + 4 * count)
    return total


def _own_columns(f: Fields, cores: int) -> tuple[int, int, int]:
    """The largest share of the columns, as blocks of 16, of 4 and of 1."""
    columns = int(f["ci"])
    unit = 1 if columns < 4 * cores else 4
    own = min(share(-(-columns // unit), cores) * unit, columns)
    return own // 16, own % 16 // 4, own % 4


@cost("tl_linear_n1_ig_f32")
def _n1_ig(f: Fields, cores: int) -> float:
    rows = int(f["co"])
    total = start(3) + 90
    for columns, blocks in zip((16, 4, 1), _own_columns(f, cores), strict=True):
        row = shared(2 * columns + 6 + (2 if columns == 1 else 0), columns, cores)
        total += blocks * (rows * row + 20 + 3 * columns)
    return total


@cost("tl_linear_n1_wg_f32")
def _n1_wg(f: Fields, cores: int) -> float:
    rows = int(f["co"])
    reads = 1 if f["accumulate"] else 0
    decays = 1 if f["accumulate"] and f["decay"] != 1 else 0
    total = start(6) + 90 + share(rows, cores) * 20
    for columns, blocks in zip((16, 4, 1), _own_columns(f, cores), strict=True):
        row = shared(
            (2 + reads + decays) * columns + 7 + (1 if columns == 1 else 0),
            (1 + decays) * columns + 1,
            cores,
        )
        total += blocks * (rows * row + 20 + 2 * columns)
    return total


def _forward(f: Fields, cores: int) -> tuple[float, ...]:
    return 1.0, *product(1, f["n"], f["co"], f["ci"], cores)


def _input_gradient(f: Fields, cores: int) -> tuple[float, ...]:
    return 1.0, *product(1, f["n"], f["ci"], f["co"], cores)


def _weight_gradient(f: Fields, cores: int) -> tuple[float, ...]:
    bias = share(f["co"], cores)
    return 1.0, *product(1, f["co"], f["ci"], f["n"], cores), bias, bias * f["n"]


# What each takes: found by `python -m tests.bench.bench_costs --kernel linear_ --fit`.

cost("tl_linear_fw_f32")(
    LinearCost(
        _forward,
        alone=(1214, 88.15, 9.007, 1.124, 0),
        shared=(1170, 0, 3.105, 2.315, 0),
    )
)
cost("tl_linear_ig_f32")(
    LinearCost(
        _input_gradient,
        alone=(1253, 55.3, 0.4259, 0.685, 1.561),
        shared=(1130, 31.58, 0, 1.062, 2.024),
    )
)
cost("tl_linear_wg_f32")(
    LinearCost(
        _weight_gradient,
        alone=(1042, 123.3, 0, 0, 2.055, 138, 7.124),
        shared=(215.8, 144.3, 0, 0, 2.749, 670.1, 8.017),
    )
)
