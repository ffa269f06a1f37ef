"""Plays the tiles of a Step and finds slices that are not there, or that two touch at one time.

Shares nothing with the search: slices come from the Step's own axes, and time is cut at the
meetings of the cores. Between two of them transfers and computation may happen in any order.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

from trainlib_deployer.errors import PlanError
from trainlib_deployer.ir.step import LoopKind, Operand, Step
from trainlib_deployer.tiling.plan import Slot, TilePlan

_Box = tuple[tuple[int, int], ...]
_Place = tuple[int, int]  # slot, buffer


@dataclass
class _Epoch:
    """What happens between two meetings: places by who reads and who writes them."""

    arriving: dict[_Place, _Box] = field(default_factory=dict)
    leaving: dict[_Place, _Box] = field(default_factory=dict)


class _Player:
    def __init__(self, step: Step, plan: TilePlan) -> None:
        self.step, self.plan = step, plan
        self.held: dict[_Place, _Box] = {}
        self.stored: dict[int, list[_Box]] = {n: [] for n, s in enumerate(plan.slots) if s.writes}
        self.loops = {loop.name: loop for loop in plan.loops}
        self.extents = {loop.name: loop.extent for loop in step.loops}
        self.kinds = {loop.name: loop.kind for loop in step.loops}

    def play(self) -> None:
        count = self.plan.count
        if self.plan.overlap:
            epoch = self.begin(fetch=0)
            for t in range(count):
                self.end(epoch)
                following = t + 1 if t + 1 < count else None
                epoch = self.begin(store=t - 1 if t else None, fetch=following)
                self.compute(t, epoch)
            self.end(epoch)
        else:
            for t in range(count):
                if t:
                    self.end(self.begin(store=t - 1))
                self.end(self.begin(fetch=t))
                self.compute(t, _Epoch())
        self.end(self.begin(store=count - 1))
        for number, boxes in self.stored.items():
            self.covered(self.plan.slots[number], boxes)

    def begin(self, *, store: int | None = None, fetch: int | None = None) -> _Epoch:
        """Core 0 starts transfers."""
        epoch = _Epoch()
        for number, slot in enumerate(self.plan.slots):
            if store is not None and slot.writes and store % slot.period == slot.period - 1:
                place = self.place(number, slot, store)
                box = self.box(slot, store)
                if self.held.get(place) != box:
                    self.fail(f"tile {store} of slot {number} leaves before it is there")
                epoch.leaving[place] = box
                self.stored[number].append(box)
            if fetch is not None and slot.reads and fetch % slot.period == 0:
                epoch.arriving[self.place(number, slot, fetch)] = self.box(slot, fetch)
        for (number, buffer), box in epoch.arriving.items():
            if (number, buffer) in epoch.leaving:
                self.fail(f"slot {number}: a slice arrives in buffer {buffer} while one leaves it")
            for (other, _), gone in epoch.leaving.items():
                if other == number and _meet(box, gone):
                    self.fail(f"slot {number}: {box} arrives while {gone} is not back")
            self.held.pop((number, buffer), None)
        return epoch

    def end(self, epoch: _Epoch) -> None:
        """The cores meet: all transfers have landed."""
        self.held.update(epoch.arriving)

    def compute(self, t: int, epoch: _Epoch) -> None:
        """All cores work on tile `t` while the transfers of `epoch` go on."""
        tile = self.tile(t)
        for number, slot in enumerate(self.plan.slots):
            place, box = self.place(number, slot, t), self.box(slot, t)
            operands = [self.step.operands[index] for index in slot.operands]
            writes = any(operand.access.writes for operand in operands)
            reads = any(operand.access.reads for operand in operands)
            if place in epoch.arriving or (writes and place in epoch.leaving):
                self.fail(f"tile {t} uses buffer {place} of a transfer that is not over")
            if (reads or self.continued(operands[0], tile)) and self.held.get(place) != box:
                self.fail(f"tile {t} reads {box} in slot {number}, there is {self.held.get(place)}")
            size = math.prod(last - first for first, last in box) * _bytes(operands[0])
            if size == 0 or size > slot.slot_bytes:
                self.fail(f"tile {t}: a slice of {size} bytes in a slot of {slot.slot_bytes}")
            if writes:
                self.held[place] = box

    def continued(self, operand: Operand, tile: dict[str, tuple[int, int]]) -> bool:
        """Whether the tile adds to what others of its sum have left."""
        return operand.access.writes and any(
            first > 0 and self.kinds[name] is LoopKind.REDUCTION
            for name, (first, _) in tile.items()
        )

    def covered(self, slot: Slot, boxes: list[_Box]) -> None:
        """Every element of an output leaves exactly once."""
        operand = self.step.operands[slot.operands[0]]
        assert operand.tensor
        volume = sum(math.prod(last - first for first, last in box) for box in boxes)
        if volume != operand.tensor.count or len(set(boxes)) != len(boxes):
            self.fail(f"{volume} elements of {operand.tensor.name} leave of {operand.tensor.count}")
        for ranges in map(set, zip(*boxes, strict=True)):
            for one, other in itertools.pairwise(sorted(ranges)):
                if one[1] > other[0]:
                    self.fail(f"slices {one} and {other} of {operand.tensor.name} overlap")

    def place(self, number: int, slot: Slot, t: int) -> _Place:
        return number, t // slot.period % slot.buffers

    def tile(self, t: int) -> dict[str, tuple[int, int]]:
        """The iterations of tile `t`, the last of the loops changing fastest."""
        found = {}
        for loop in reversed(self.plan.loops):
            position = t % -(-loop.extent // loop.size)
            t //= -(-loop.extent // loop.size)
            first = position * loop.size
            found[loop.name] = (first, min(first + loop.size, loop.extent))
        return found

    def box(self, slot: Slot, t: int) -> _Box:
        """The slice that the Step's axes ask for."""
        operand = self.step.operands[slot.operands[0]]
        assert operand.tensor
        tile = self.tile(t)
        whole = {name: (0, extent) for name, extent in self.extents.items()}
        shape = list(operand.tensor.shape)
        while len(shape) > max(1, len(operand.axes)):
            shape[:2] = [shape[0] * shape[1]]
        found = []
        for position, extent in enumerate(shape):
            axis = operand.axes[position] if operand.axes else None
            moved = axis and any(name in tile for name, _ in axis.terms)
            found.append(axis.slice({**whole, **tile}, extent) if axis and moved else (0, extent))
        return tuple(found)

    def fail(self, text: str) -> None:
        raise PlanError(f"{self.step.name}: {text}")


def verify_tiles(step: Step, plan: TilePlan) -> None:
    """Raise PlanError where a tile finds something else than its slices."""
    _Player(step, plan).play()


def _bytes(operand: Operand) -> int:
    assert operand.tensor
    return operand.tensor.dtype.bytes


def _meet(one: _Box, other: _Box) -> bool:
    return all(a < d and c < b for (a, b), (c, d) in zip(one, other, strict=True))
