"""Which tiles a Step runs on: every split of up to three loops is priced, and more where none fits.

Deterministic and small: sizes that divide a loop into equal parts, the order of parallel loops,
overlapped transfers or not. The cheapest wins; of nearly equal ones the one that takes least of L1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial

from trainlib_deployer.ir.step import LoopKind, Step, TileField
from trainlib_deployer.passes.liveness import aligned_bytes
from trainlib_deployer.tiling.box import box_of
from trainlib_deployer.tiling.cost import TileCost, Transfers, engine_cycles, step_cycles
from trainlib_deployer.tiling.group import groups_of
from trainlib_deployer.tiling.plan import (
    Predicted,
    Range,
    Slot,
    TiledLoop,
    TilePlan,
    follows,
    operand_axes,
    slices_of,
    tile_fields,
)
from trainlib_deployer.tuning.costs import cycles
from trainlib_deployer.tuning.kernels import choose_kernel

_LOOPS_MAX = 3  # split at once, while anything fits
_SIZES_MAX = 10  # of a loop; half of them where three are split, unless nothing fits
_PRICED_MAX = 8  # splits of the same loop, those with fewest tiles; fewer where several are split
_EXACT_MAX = 5  # splits whose border tiles are priced too
_NEARLY = 1.02


class Tiler:
    """The tiles of one Step on a team of `cores`; `direct`: operands that live in L1."""

    def __init__(self, step: Step, direct: frozenset[int], cores: int) -> None:
        self._step, self._direct, self._cores = step, direct, cores
        groups = list(groups_of(step, direct))
        self._groups = [group for group in groups if group is not None]
        self._splittable = len(groups) == len(self._groups)
        self._loops = {loop.name: loop for loop in step.loops}
        # by operand: the loops that move its slice
        self._followed = [
            frozenset(n for n in self._loops if any(follows(axis, {n: 0}) for axis in operand.axes))
            for operand in step.operands
        ]
        self._compute = cache(self._compute_cycles)
        self._splits = cache(self._all_splits)
        self._guessed = cache(self._guess)
        self._priced = cache(self._price)
        self.best = cache(self._best)
        self._moved = cache(self._transfers)
        self._longest = cache(partial(_longest, step))
        self._longest_slice = cache(self._slice_bytes)

    def whole(self) -> TilePlan:
        """The Step as one tile, whatever it takes."""
        plan = self._plan((), overlap=False)
        assert plan
        return self._priced(plan)

    def _best(self, capacity: int) -> TilePlan | None:
        """The cheapest plan whose slots take at most `capacity` bytes; None where there is none."""
        promising = sorted(self._promising(capacity), key=self._guessed)
        found = [self._priced(plan) for plan in promising[:_EXACT_MAX]]
        if not found:
            return None
        least = min(plan.predicted.cycles for plan in found)
        near = [plan for plan in found if plan.predicted.cycles <= least * _NEARLY]
        return min(near, key=lambda plan: (plan.bytes, plan.predicted.cycles, plan.count))

    @cached_property
    def least_bytes(self) -> int:
        """The least that the slots of any plan take."""
        whole = self._plan((), overlap=False)
        assert whole
        sizes = [whole.bytes]
        for chosen in _subsets(self._names(last_resort=True)):
            extents = {name: self._loops[name].extent for name in chosen}
            plans = (
                self._plan(tuple(TiledLoop(n, extents[n], size) for n in order), overlap=False)
                for size in (1, 2, 4)
                for order in self._orders(chosen)
            )
            sizes += [plan.bytes for plan in itertools.islice(filter(None, plans), 1)]
        return min(sizes)

    def _promising(self, capacity: int) -> list[TilePlan]:
        """Plans worth a price: the whole Step, and for each choice of loops the fewest tiles."""
        whole = self._plan((), overlap=False)
        assert whole
        found = [whole] if whole.bytes <= capacity else []
        for last_resort in (False, True):
            for overlap in (True, False):
                if found and (last_resort or not overlap) and found != [whole]:
                    return found
                for chosen in _subsets(self._names(last_resort)):
                    if not last_resort and len(chosen) > _LOOPS_MAX:
                        continue
                    every = self._splits(chosen, overlap, last_resort)
                    fitting = (plan for plan in every if plan.bytes <= capacity)
                    found += itertools.islice(fitting, _PRICED_MAX // max(1, len(chosen) - 1))
            if found:
                return found
        return found

    def _names(self, last_resort: bool) -> tuple[str, ...]:
        """Loops that can be split."""
        if not self._splittable or not self._groups:
            return ()
        tiling = self._step.tiling
        names = (*tiling.loops, *(tiling.last_resort if last_resort else ()))
        return tuple(
            name
            for name in names
            if self._loops[name].extent > 1 and not _sums_samples(self._step, name)
        )

    def _all_splits(
        self, chosen: tuple[str, ...], overlap: bool, every_size: bool
    ) -> tuple[TilePlan, ...]:
        """Plans that split all of `chosen`, fewest tiles first."""
        coarse = len(chosen) >= _LOOPS_MAX and not every_size
        plans = [
            self._plan(loops, overlap)
            for order in self._orders(chosen)
            for loops in itertools.product(*(self._tiled(name, coarse) for name in order))
        ]
        return tuple(sorted(filter(None, plans), key=lambda plan: plan.count))

    def _orders(self, chosen: Iterable[str]) -> list[tuple[str, ...]]:
        """Parallel loops in any order that all operands allow, reductions behind them."""
        kinds = {name: self._loops[name].kind for name in chosen}
        if not all(self._contiguous(index, kinds.keys()) for index in self._direct):
            return []
        parallel = [name for name, kind in kinds.items() if kind is LoopKind.PARALLEL]
        reductions = tuple(name for name, kind in kinds.items() if kind is LoopKind.REDUCTION)
        orders = [(*order, *reductions) for order in itertools.permutations(parallel)]
        written = [
            index
            for index, operand in enumerate(self._step.operands)
            if operand.tensor and operand.access.writes
        ]
        return [o for o in orders if all(self._ordered(index, o) for index in written)]

    def _tiled(self, name: str, coarse: bool) -> list[TiledLoop]:
        """The ways to split a loop, or every other of them."""
        extent = self._loops[name].extent
        sizes = self._sizes(name)[:: 2 if coarse else 1]
        return [TiledLoop(name, extent, size) for size in sizes]

    def _sizes(self, name: str) -> tuple[int, ...]:
        """Sizes smaller than the loop, largest first: equal parts, in whole blocks of 4."""
        extent = self._loops[name].extent
        parts: Iterable[int] = range(2, extent + 1)
        if extent > 4 * _SIZES_MAX:
            ratio = (extent / 2) ** (1 / (4 * _SIZES_MAX))
            parts = sorted({round(2 * ratio**k) for k in range(4 * _SIZES_MAX + 1)})
        sizes = sorted({-(-extent // count) for count in parts}, reverse=True)
        if len(sizes) > _SIZES_MAX:
            blocks = sorted({min(-(-size // 4) * 4, extent - 1) for size in sizes} | {1, 2, 3})
            step = max(1, len(blocks) // _SIZES_MAX)
            sizes = sorted({*blocks[::step], *blocks[:4], *sizes[:3]}, reverse=True)
        return tuple(sizes)

    def _plan(self, loops: tuple[TiledLoop, ...], overlap: bool) -> TilePlan | None:
        """The slots of a split in an allowed order; None where a slice would be empty."""
        slots = []
        tiles = math.prod(loop.count for loop in loops)
        for number in range(len(self._groups)):
            slot = self._slot(number, loops, tiles if overlap else 0)
            if slot is None:
                return None
            slots.append(slot)
        return TilePlan(loops, tuple(slots), overlap)

    def _slot(self, number: int, loops: tuple[TiledLoop, ...], overlapped: int) -> Slot | None:
        """The slot of a group, for so many tiles of which two are under way; None: not for all."""
        group = self._groups[number]
        own = self._followed[group.operands[0]]
        count = self._longest_slice(number, tuple(loop for loop in loops if loop.name in own))
        if count == 0:
            return None
        # how many tiles in a row have the same slice
        inner = itertools.takewhile(lambda loop: loop.name not in own, reversed(loops))
        period = math.prod(loop.count for loop in inner)
        buffers = 1
        if period < overlapped:
            # both ways: the one that leaves must be gone before the next comes into its place
            buffers = 3 if group.reads and group.writes and period == 1 else 2
        size = aligned_bytes(count) if loops else group.bytes
        return Slot(group.operands, size, buffers, period, group.reads, group.writes)

    def _slice_bytes(self, number: int, loops: tuple[TiledLoop, ...]) -> int:
        """The largest slice of a group that follows `loops`; 0 where one is empty."""
        index = self._groups[number].operands[0]
        operand = self._step.operands[index]
        assert operand.tensor
        count = operand.tensor.dtype.bytes
        for axis, extent in enumerate(operand.shape):
            names = operand_axes(operand)[axis].loops
            mine = tuple(loop for loop in loops if loop.name in names)
            count *= self._longest(index, axis, mine) if mine else extent
        return count

    def _ordered(self, index: int, loops: tuple[str, ...]) -> bool:
        """Whether an output's slices come one after the other, each complete before the next."""
        operand = self._step.operands[index]
        own = [name in self._followed[index] for name in loops]
        last = max((position for position, mine in enumerate(own) if mine), default=-1)
        if not all(own[: last + 1]):
            return False
        inner = [name for name, mine in zip(loops, own, strict=True) if not mine]
        return operand.optional or all(
            self._loops[name].kind is LoopKind.REDUCTION for name in inner
        )

    def _contiguous(self, index: int, split: Collection[str]) -> bool:
        operand = self._step.operands[index]
        if operand.tensor is None:
            return True
        cut = tuple(follows(axis, dict.fromkeys(split)) for axis in operand_axes(operand))
        if not any(cut):
            return True
        shape = operand.shape
        return box_of(shape, cut).stride == 0

    def _guess(self, plan: TilePlan) -> float:
        """The cycles if all tiles were like those inside."""
        _, tile = next(plan.kinds())
        return step_cycles([TileCost(plan.count, *self._tile_cost(plan, tile))], plan.overlap)

    def _price(self, plan: TilePlan) -> TilePlan:
        costs = [TileCost(count, *self._tile_cost(plan, tile)) for count, tile in plan.kinds()]
        cycles = step_cycles(costs, plan.overlap)
        fetched, stored = Transfers(), Transfers()
        for cost in costs:
            fetched += cost.fetched * cost.count
            stored += cost.stored * cost.count
        return replace(
            plan,
            predicted=Predicted(
                compute_cycles=sum(cost.compute * cost.count for cost in costs),
                transfer_cycles=engine_cycles(fetched, stored),
                cycles=cycles,
                bytes_in=round(fetched.bytes),
                bytes_out=round(stored.bytes),
            ),
        )

    def _tile_cost(
        self, plan: TilePlan, tile: Mapping[str, Range]
    ) -> tuple[float, Transfers, Transfers]:
        fields = tuple(tile_fields(self._step, tile, False).items())
        fetched, stored = Transfers(), Transfers()
        for slot in plan.slots:
            index = slot.operands[0]
            own = self._followed[index]
            moved = self._moved(index, tuple(item for item in tile.items() if item[0] in own))
            moved *= 1 / slot.period
            fetched += moved if slot.reads else Transfers()
            stored += moved if slot.writes else Transfers()
        return self._compute(fields), fetched, stored

    def _transfers(self, index: int, own: tuple[tuple[str, Range], ...]) -> Transfers:
        """One slice of an operand, on its way between two levels; `own`: what moves it."""
        tile = dict(own)
        operand = self._step.operands[index]
        assert operand.tensor
        shape = operand.shape
        lengths = [last - first for first, last in slices_of(self._step, index, tile)]
        box = box_of(shape, tuple(follows(axis, tile) for axis in operand_axes(operand)))
        count = math.prod(lengths[: box.rows])
        rows = math.prod(lengths[: box.row])
        return Transfers(count, rows, math.prod(lengths) * operand.tensor.dtype.bytes)

    def _compute_cycles(self, fields: tuple[tuple[str, int | float], ...]) -> float:
        struct = dict(fields)
        kernel = choose_kernel(self._step, (struct,), self._cores)
        return cycles(kernel.function, struct, self._cores)


@dataclass(frozen=True)
class _Signature:
    """What the tiles of a Step depend on; Steps that are alike share one Tiler."""

    key: tuple[object, ...]
    step: Step = field(compare=False)


def tiler_of(step: Step, direct: frozenset[int], cores: int) -> Tiler:
    """The Tiler of a Step whose operands `direct` live in L1."""
    roots: dict[str, int] = {}
    operands = tuple(
        (
            roots.setdefault(o.tensor.root.name, len(roots)),
            o.tensor.root_offset_bytes,
            o.tensor.shape,
            o.tensor.dtype,
            o.access,
            o.axes,
            o.optional,
        )
        if o.tensor
        else None
        for o in step.operands
    )
    tiling = step.tiling
    rules = (tiling.loops, tiling.last_resort, tuple(tiling.fields.items()))
    members = (tuple(step.fields.items()), tuple(step.per_sample.items()))
    shape = (step.op, step.phase, members, step.loops, step.in_place)
    return _tiler(_Signature((*shape, operands, rules), step), direct, cores)


@cache
def _tiler(signature: _Signature, direct: frozenset[int], cores: int) -> Tiler:
    return Tiler(signature.step, direct, cores)


def _sums_samples(step: Step, name: str) -> bool:
    """Whether a loop sums over the samples of the mini-batch: of a small one, a tile knows only if
    it has them all."""
    kinds = {loop.name: loop.kind for loop in step.loops}
    if kinds[name] is not LoopKind.REDUCTION:
        return False
    return any(
        each != step.fields[member] and name in _loops_of(step, step.tiling.fields[member])
        for member, each in step.per_sample.items()
        if member in step.tiling.fields
    )


def _loops_of(step: Step, rule: TileField) -> set[str]:
    """The loops that a member of the struct follows."""
    found = set()
    for _, bound in rule.terms:
        if bound.loop is not None:
            found.add(bound.loop)
        else:
            axis = operand_axes(step.operands[bound.operand])[bound.axis]
            found |= {name for name, _ in axis.terms}
    return found


def _subsets(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """All but the empty one, small ones first."""
    for count in range(1, len(names) + 1):
        yield from itertools.combinations(names, count)


def _longest(step: Step, index: int, axis: int, loops: tuple[TiledLoop, ...]) -> int:
    """The longest slice of an axis over all tiles; 0 where one is empty."""
    operand = step.operands[index]
    lengths = []
    for positions in itertools.product(*(_ends(loop.count) for loop in loops)):
        tile = {loop.name: loop.range(at) for loop, at in zip(loops, positions, strict=True)}
        ranges = {**step.ranges, **tile}
        first, last = operand_axes(operand)[axis].slice(ranges, operand.shape[axis])
        lengths.append(last - first)
    return 0 if min(lengths) == 0 else max(lengths)


def _ends(count: int) -> Sequence[int]:
    """All of a few tiles; of many, those at the borders and enough to see every phase inside."""
    return range(count) if count <= 12 else (0, 1, 2, 3, 4, 5, count - 3, count - 2, count - 1)
