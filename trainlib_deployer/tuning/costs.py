"""Predicted cycles of a kernel on PULP-open: a formula for each function of the C library.

A formula takes the members of the shape struct and the number of cores, and says how long the
slowest core works. `tests/bench/bench_costs.py` compares them with the simulator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from math import ceil
from pkgutil import iter_modules

from trainlib_deployer import tuning

Fields = Mapping[str, int | float]
Formula = Callable[[Fields, int], float]
Counts = Callable[[Fields, int], tuple[float, ...]]

COSTS: dict[str, Formula] = {}

_FAR_LOAD = 17  # a member of the shape struct, which lies in L2
ALONE_MAX = 4  # cores with an FPU of their own
CALL = 95.0  # barrier, call, shares of the cores


def cost(*functions: str) -> Callable[[Formula], Formula]:
    """Registers the formula of some functions."""

    def register(formula: Formula) -> Formula:
        COSTS.update(dict.fromkeys(functions, formula))
        return formula

    return register


def weighted(
    counts: tuple[float, ...], alone: tuple[float, ...], together: tuple[float, ...], cores: int
) -> float:
    """What counts take, by the cycles of each: `alone` up to ALONE_MAX cores."""
    each = alone if cores <= ALONE_MAX else together
    return sum(count * cycles for count, cycles in zip(counts, each, strict=True))


@dataclass(frozen=True, eq=False)
class LinearCost:
    """A formula that counts what the slowest core does, and what each of it takes.

    `alone`: cycles of each where every core has an FPU of its own; `shared`: from five cores on.
    """

    counts: Counts
    alone: tuple[float, ...]
    shared: tuple[float, ...]

    def __call__(self, fields: Fields, cores: int) -> float:
        return weighted(self.counts(fields, cores), self.alone, self.shared, cores)


_BLOCK = 4  # of a product of matrices: 4 x 4 sums


def product(
    planes: float, rows: float, columns: float, depth: float, cores: int
) -> tuple[float, ...]:
    """Of products of matrices: blocks of sums, turns of their loop, products and loads in them."""
    down, across = ceil(rows / _BLOCK), ceil(columns / _BLOCK)
    blocks = share(planes * down * across, cores)
    products, loads = rows / down * columns / across, rows / down + columns / across
    return (blocks, *(blocks * depth * each for each in (1, products, loads)))


def cycles(function: str, fields: Fields, cores: int) -> float:
    """Predicted cycles; KeyError where the function has no formula."""
    return COSTS[function](fields, cores)


def shared(alone: float, products: float, cores: int, clash: float = 0.6) -> float:
    """Cycles of a loop body with so many FPU operations. From five cores on two of them share an
    FPU: it limits both, and they get into each other's way."""
    return alone if cores <= ALONE_MAX else max(2 * products, alone + clash * products)


def share(count: float, cores: int) -> int:
    """The largest part of `count` items dealt out evenly."""
    return -(-int(count) // cores)


def start(members: int) -> float:
    """What a call takes before its loops: so many members are read."""
    return CALL + _FAR_LOAD * members


for _module in iter_modules(tuning.__path__):
    if _module.name.startswith("costs_"):
        import_module(f"{tuning.__name__}.{_module.name}")
