"""Executes a Program symbolically and finds every access to memory that holds something else.

Shares nothing with the planner: no lifetimes, no problem, no allocator; only who wrote each byte
last. It runs on every deploy.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable

from trainlib_deployer.errors import PlanError
from trainlib_deployer.ir.graph import Graph
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.lowering.program import Call, Program, SlotCode, Transfer
from trainlib_deployer.lowering.verify_races import verify_races
from trainlib_deployer.lowering.verify_tiles import verify_tiles
from trainlib_deployer.memory.plan import Allocation, MemoryPlan

_Content = tuple[str, int]  # a tensor, and where the first byte of its memory would lie
_Owned = tuple[int, int, _Content]  # [first, last) holds this


class _Memory:
    """Who owns each byte of one level: pieces that do not overlap, in order."""

    def __init__(self, level: str, size: int) -> None:
        self.level, self.size = level, size
        self._owned: list[_Owned] = []

    def put(self, first: int, last: int, owner: _Content) -> None:
        if first < 0 or last > self.size:
            where = f"[{first}, {last}) of {self.size}"
            raise PlanError(f"{owner[0]} lies outside {self.level}: {where}")
        low, high = self._touched(first, last)
        kept: list[_Owned] = [(first, last, owner)]
        for start, end, name in self._owned[low:high]:
            if start < first:
                kept.insert(0, (start, first, name))
            if end > last:
                kept.append((last, end, name))
        self._owned[low:high] = kept

    def need(self, first: int, last: int, owner: _Content, step: str) -> None:
        low, high = self._touched(first, last)
        pieces = self._owned[low:high]
        held = sum(
            min(end, last) - max(start, first) for start, end, name in pieces if name == owner
        )
        if held == last - first:
            return
        others = sorted(name for _, _, (name, origin) in pieces if (name, origin) != owner)
        holder = f"there is {', '.join(others)}" if others else "nothing was written there"
        where = f"{self.level} [{first}, {last})"
        raise PlanError(f"{step} reads {owner[0]} from {where}, but {holder}")

    def outdate(self, name: str, low: int, high: int) -> None:
        """Bytes [low, high) of a tensor are written anew elsewhere: what is here is old."""
        for first, last, (owner, origin) in list(self._owned):
            start, end = max(first, origin + low), min(last, origin + high)
            if owner == name and start < end:
                self.put(start, end, (f"an old {name}", origin))

    def _touched(self, first: int, last: int) -> tuple[int, int]:
        """The range of pieces that share a byte with [first, last)."""
        low = bisect_right(self._owned, first, key=lambda piece: piece[1])
        high = bisect_left(self._owned, last, key=lambda piece: piece[0])
        return low, max(low, high)


def verify_program(graph: Graph, program: Program, plan: MemoryPlan) -> None:
    """Raise PlanError at the first read of what is not there, or access that races another."""
    written = _Written()
    memory = {use.level: _Memory(use.level, use.available) for use in plan.levels.values()}

    def put(place: Allocation, tensor: Tensor) -> None:
        _check_size(place, tensor)
        content = written.content(place, tensor)
        memory[place.level].put(place.offset, place.offset + place.bytes, content)

    def need(place: Allocation, tensor: Tensor, step: str) -> None:
        _check_size(place, tensor)
        end = place.offset + place.bytes
        memory[place.level].need(place.offset, end, written.content(place, tensor), step)

    # that a transfer under way is left alone, verify_races sees to
    def move(transfers: Iterable[Transfer], step: str) -> None:
        for transfer in transfers:
            if transfer.source.bytes != transfer.destination.bytes:
                raise PlanError(f"{step} moves {transfer.tensor.name} between unequal places")
            need(transfer.source, transfer.tensor, step)
            put(transfer.destination, transfer.tensor)

    given = [*graph.persistent, *graph.accumulated, *graph.rates, graph.input]
    if graph.training:
        given.append(graph.training.target)
    for tensor in given:
        put(plan.homes[tensor.root.name], tensor)
    for number, code in enumerate(program.code):
        if number == program.parts[-1][0]:
            for tensor in graph.accumulated:
                need(plan.homes[tensor.name], tensor, "the next pass")
        move((far.transfer for far in code.coming), code.step.name)
        move(code.fetched, code.step.name)
        places = list(code.call.operands)
        if code.tiles:
            verify_tiles(code.step, code.tiles.plan)
            for slot in code.tiles.slots:
                # a tensor that goes through a slot is where it was all along
                for index in slot.slot.operands:
                    places[index] = slot.far
                _check_slot(slot)
                end = slot.near.offset + slot.near.bytes
                memory[slot.near.level].put(
                    slot.near.offset, end, (f"tiles of {slot.near.name}", 0)
                )
        pairs = [
            (operand, place)
            for operand, place in zip(code.step.operands, places, strict=True)
            if operand.tensor is not None and place is not None
        ]
        for operand, place in pairs:
            if operand.access.reads and operand.tensor:
                need(place, operand.tensor, code.step.name)
        for operand, place in pairs:
            if operand.access.writes and operand.tensor:
                written.add(operand.tensor)
                name, origin = written.content(place, operand.tensor)
                start = place.offset - origin
                for level in memory.values():
                    level.outdate(name, start, start + place.bytes)
                put(place, operand.tensor)
        overwritten = _overwritten(code.call)
        for index, operand in enumerate(code.step.operands):
            found = places[index]
            # an output must not have hit another operand of the same call
            if operand.tensor and found and index not in overwritten:
                need(found, operand.tensor, code.step.name)
        move(code.stored, code.step.name)
        move((far.transfer for far in code.leaving), code.step.name)
    for tensor in graph.persistent:
        need(plan.homes[tensor.name], tensor, "the next training step")
    last = graph.training.loss_tensor if graph.training else graph.output
    need(plan.homes[last.root.name], last, "the caller")
    verify_races(program)


def _check_slot(slot: SlotCode) -> None:
    if slot.near.bytes != slot.slot.bytes or slot.near.offset % slot.tensor.dtype.bytes:
        raise PlanError(f"the slot of {slot.near.name} does not fit its place {slot.near}")


def _overwritten(call: Call) -> set[int]:
    """Inputs in whose exact place the kernel may write an output, and does."""
    found = set()
    for out, source in call.step.in_place:
        one, other = call.operands[out], call.operands[source]
        if one and other and (one.level, one.offset) == (other.level, other.offset):
            found.add(source)
    return found


class _Written:
    """Under which names Steps have written memory so far: ranges of bytes of its owner."""

    def __init__(self) -> None:
        self._ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)

    def add(self, tensor: Tensor) -> None:
        self._ranges[_whole(tensor).name].append(tensor.root_range)

    def content(self, place: Allocation, tensor: Tensor) -> _Content:
        """Until a Step writes it, a view is another name of what it views; a slice is a part of
        it, which other slices say nothing of."""
        origin = place.offset - tensor.root_offset_bytes
        first, last = tensor.root_range
        found = _whole(tensor)
        while found.view_of and not any(
            start < last and first < end for start, end in self._ranges[found.name]
        ):
            found = _whole(found.view_of)
        return found.name, origin


def _whole(tensor: Tensor) -> Tensor:
    """What a slice is a part of."""
    while tensor.view_of and tensor.bytes < tensor.view_of.bytes:
        tensor = tensor.view_of
    return tensor


def _check_size(place: Allocation, tensor: Tensor) -> None:
    if place.bytes < tensor.bytes or place.offset % tensor.dtype.bytes:
        raise PlanError(f"{tensor.name} does not fit its place {place}")
