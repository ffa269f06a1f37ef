"""Costs of linear layers: one row of x, and register blocks of several rows."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.tuning.costs import Fields, cost, share, shared, start

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


@dataclass(frozen=True)
class _Kind:
    """How the blocks of a kernel fare: width, and for one k of a whole block cycles and products;
    cycles of one k of a row of that width, and of a single element."""

    width: int
    block: tuple[float, float]
    row: float
    single: float


def _blocks(kind: _Kind, rows: int, columns: int, depth: int, cores: int) -> float:
    """Blocks of 4 x width, dealt out; at the borders in rows and single elements."""
    strips = -(-rows // 4)
    width = 1 if strips * columns < cores * kind.width else kind.width
    row = depth * shared(kind.row, kind.width, cores, 0.3) + 65 + 6 * kind.width
    single = depth * kind.single + 65
    high, low = divmod(rows, 4)
    wide, narrow = divmod(columns, width)
    if width == 1:
        return share(strips * columns, cores) * min(rows, 4) * single
    whole = depth * shared(*kind.block, cores) + 70 + 7.5 * 4 * width
    lengths = (
        (high * wide, whole),
        (high if narrow else 0, 4 * narrow * single),
        (wide if low else 0, low * row),
        (1 if low and narrow else 0, low * narrow * single),
    )
    total = sum(count * length for count, length in lengths)
    longest = max(length for count, length in lengths if count)
    # the last round is not full
    return total / cores + longest * (1 - 1 / cores) * 0.5


_FW = _Kind(4, (24.0, 16), 11.5, 5.5)
_WG = _Kind(4, (24.0, 16), 11.5, 5.5)
_IG = _Kind(4, (24.0, 16), 11.5, 5.5)


@cost("tl_linear_fw_f32")
def _fw(f: Fields, cores: int) -> float:
    return start(4) + 100 + _blocks(_FW, int(f["n"]), int(f["co"]), int(f["ci"]), cores)


@cost("tl_linear_wg_f32")
def _wg(f: Fields, cores: int) -> float:
    n, co = int(f["n"]), int(f["co"])
    bias = share(co, cores) * (20 + 7 * n)
    return start(6) + 100 + bias + _blocks(_WG, co, int(f["ci"]), n, cores)


@cost("tl_linear_ig_f32")
def _ig(f: Fields, cores: int) -> float:
    return start(4) + 100 + _blocks(_IG, int(f["n"]), int(f["ci"]), int(f["co"]), cores)
