"""The tiles of a Step → the words of three C functions: fetch, compute and store one tile."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from trainlib_deployer.ir.step import Axis, Bound, LoopKind, Operand, TileField
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.lowering.program import SlotCode, StepCode, Tiles
from trainlib_deployer.memory.plan import Allocation
from trainlib_deployer.render.names import c_number
from trainlib_deployer.tiling.box import box_of
from trainlib_deployer.tiling.plan import follows, operand_axes

Pointer = Callable[[Tensor, Allocation], str]


@dataclass(frozen=True)
class TilesView:
    """The functions of one tiled Step in net.c, and the call that runs them; `store` is empty where
    nothing leaves."""

    comment: str
    run: str
    fetch: tuple[str, ...]
    compute: tuple[str, ...]
    store: tuple[str, ...]


def tiles_view(code: StepCode, name: str, shape: str, pointer: Pointer) -> TilesView:
    """Of the Step `name`; `shape` points to its struct, `pointer` says where a tensor lies."""
    assert code.tiles
    words = _Words(code, code.tiles, pointer)
    store = words.store()
    return TilesView(
        comment=_comment(code.tiles),
        run=_run(code.tiles, name, shape, stores=bool(store)),
        fetch=words.with_ranges(words.fetch()),
        compute=words.with_ranges(words.compute(shape)),
        store=words.with_ranges(store) if store else (),
    )


def _comment(tiles: Tiles) -> str:
    """`8 tiles of 4 ho x 16 co; arriving and leaving while others are worked on`"""
    sizes = " x ".join(f"{loop.size} {loop.name}" for loop in tiles.plan.loops)
    how = "moved while others are computed" if tiles.plan.overlap else "one after the other"
    return f"{tiles.plan.count} tiles of {sizes}, {how}"


def _run(tiles: Tiles, name: str, shape: str, *, stores: bool) -> str:
    run = "run_tiles" if tiles.plan.overlap else "run_tiles_in_turn"
    functions = f"{name}_fetch, {name}_compute, {f'{name}_store' if stores else '0'}"
    return f"{run}({tiles.plan.count}, {shape}, sizeof {name}, {functions})"


def product(factors: Sequence[int | str]) -> str:
    """A C product, its constants folded."""
    number = math.prod(factor for factor in factors if isinstance(factor, int))
    words = [factor for factor in factors if isinstance(factor, str)]
    return " * ".join([*([str(number)] if number != 1 or not words else []), *words])


class _Words:
    def __init__(self, code: StepCode, tiles: Tiles, pointer: Pointer) -> None:
        self._code, self._step, self._plan = code, code.step, tiles.plan
        self._slots, self._pointer = tiles.slots, pointer
        self._loops = {loop.name: loop for loop in tiles.plan.loops}
        self._ranges: dict[str, str] = {}
        inner = tiles.plan.count
        for loop in tiles.plan.loops:
            outermost = inner == tiles.plan.count
            inner //= loop.count
            index = f"t / {inner}" if inner > 1 else "t"
            index += "" if outermost else f" % {loop.count}"
            self._ranges[loop.name] = f"tile_range({index}, {loop.size}, {loop.extent})"

    def fetch(self) -> list[str]:
        lines = []
        for slot in self._slots:
            if slot.slot.reads:
                lines += self._guarded(slot, 0, self._moves(slot, inward=True))
        return lines

    def store(self) -> list[str]:
        lines = []
        for slot in self._slots:
            if slot.slot.writes:
                lines += self._guarded(slot, slot.slot.period - 1, self._moves(slot, inward=False))
        return lines

    def compute(self, shape: str) -> list[str]:
        step = self._step
        lines = [f"tl_{step.op} *const op = &shape->{step.op};", ""]
        for name, rule in step.tiling.fields.items():
            if any(self._moved(bound) for _, bound in rule.terms):
                lines.append(f"op->{name} = {self._field(rule)};")
        lines += self._sum(shape)
        arguments = ["op", *(self._argument(index) for index in range(len(step.operands)))]
        return [*lines, f"{self._code.call.kernel.function}({', '.join(arguments)});"]

    def with_ranges(self, lines: list[str]) -> tuple[str, ...]:
        """The definitions of the ranges that some lines use, and the lines."""
        used: set[str] = set()
        for name in reversed(self._ranges):
            texts = [*lines, *(self._ranges[other] for other in used)]
            if any(re.search(rf"\b{name}\b(?!\()", text) for text in texts):
                used.add(name)
        found = [
            f"const tl_range {name} = {text};"
            for name, text in self._ranges.items()
            if name in used
        ]
        if not any(re.search(r"\bt\b", text) for text in (*found, *lines)):
            found.append("(void)t;")
        return (*found, *([""] if found and lines[1:2] != [""] else []), *lines)

    def _sum(self, shape: str) -> Iterator[str]:
        """Every tile but the first of a sum adds to it."""
        begun = [f"{n}.first > 0" for n in self._loops if self._kind(n) is LoopKind.REDUCTION]
        if not begun:
            return
        yield f"if ({' || '.join(begun)}) {{"
        for name, value in self._step.tiling.continued.items():
            yield f"    op->{name} = {c_number(value)};"
        if len(begun) < len(self._loops):
            yield "} else { /* of the next sum */"
            yield f"    const tl_{self._step.op} *const whole = {shape};"
            yield ""
            for name in self._step.tiling.continued:
                yield f"    op->{name} = whole->{name};"
        yield "}"

    def _kind(self, name: str) -> LoopKind:
        return next(loop.kind for loop in self._step.loops if loop.name == name)

    def _guarded(self, slot: SlotCode, when: int, lines: list[str]) -> list[str]:
        """Lines that run for one of the tiles in a row that have the same slice."""
        period = slot.slot.period
        if period == 1:
            return lines
        condition = f"t == {when}" if period == self._plan.count else f"t % {period} == {when}"
        return [f"if ({condition}) {{", *(f"    {line}" for line in lines), "}"]

    def _moves(self, slot: SlotCode, *, inward: bool) -> list[str]:
        index = slot.slot.operands[0]
        operand = self._step.operands[index]
        shape, size = operand.shape, slot.tensor.dtype.bytes
        box = box_of(shape, tuple(follows(axis, self._loops) for axis in operand_axes(operand)))
        lengths = [self._length(operand, axis) for axis in range(len(shape))]
        near = [self._buffer(slot), *self._plus(product, lengths, range(box.rows))]
        far = [self._pointer(slot.tensor, slot.far)]
        for axis in range(len(shape)):
            stride = math.prod(shape[axis + 1 :])
            first = self._first(operand, axis)
            if first != "0":
                far.append(product([stride, first]))
            if axis < box.rows and lengths[axis] != 1:
                far.append(product([stride, f"i{axis}"]))
        row_bytes = product([size, *lengths[box.row :]])
        rows = product(lengths[box.rows : box.row])
        to, source = " + ".join(near), " + ".join(far)
        if rows == "1":
            ends = f"{to}, {source}" if inward else f"{source}, {to}"
            line = f"transfer({ends}, {row_bytes});"
        elif inward:
            line = f"transfer_in({to}, {source}, {row_bytes}, {rows}, {size * box.stride});"
        else:
            line = f"transfer_out({source}, {to}, {row_bytes}, {rows}, {size * box.stride});"
        lines = [line]
        for axis in reversed(range(box.rows)):
            if lengths[axis] != 1:
                head = (
                    f"for (int32_t i{axis} = 0; i{axis} < {product([lengths[axis]])}; i{axis}++) {{"
                )
                lines = [head, *(f"    {text}" for text in lines), "}"]
        return lines

    def _plus(
        self, times: Callable[[Sequence[int | str]], str], lengths: list[int | str], outer: range
    ) -> Iterator[str]:
        """Where in the buffer the box of each iteration of the outer axes begins."""
        for axis in outer:
            if lengths[axis] != 1:
                yield times([*lengths[axis + 1 :], f"i{axis}"])

    def _buffer(self, slot: SlotCode) -> str:
        """The pointer to the buffer of a tile's slice."""
        name = self._pointer(slot.tensor, slot.near)
        if slot.slot.buffers == 1:
            return name
        turn = "t" if slot.slot.period == 1 else f"t / {slot.slot.period}"
        elements = slot.slot.slot_bytes // slot.tensor.dtype.bytes
        return f"{name} + {turn} % {slot.slot.buffers} * {elements}"

    def _argument(self, index: int) -> str:
        operand, place = self._step.operands[index], self._code.call.operands[index]
        if operand.tensor is None or place is None:
            return "0"
        slot = next((slot for slot in self._slots if index in slot.slot.operands), None)
        pointer = self._buffer(slot) if slot else self._direct(operand, place)
        elsewhere = [f"{name}.first == 0" for name in self._left_out(operand)]
        return f"{' && '.join(elsewhere)} ? {pointer} : 0" if elsewhere else pointer

    def _left_out(self, operand: Operand) -> Iterator[str]:
        """The loops of which only the first tile has an optional operand."""
        kind = LoopKind.PARALLEL if operand.access.writes else LoopKind.REDUCTION
        for name in self._loops:
            own = any(follows(axis, {name: 0}) for axis in operand_axes(operand))
            if operand.optional and self._kind(name) is kind and not own:
                yield name

    def _direct(self, operand: Operand, place: Allocation) -> str:
        """A tensor in L1, from the first element of the tile's slice on."""
        assert operand.tensor
        shape = operand.shape
        words = [self._pointer(operand.tensor, place)]
        for axis in range(len(shape)):
            first = self._first(operand, axis)
            if first != "0":
                words.append(product([math.prod(shape[axis + 1 :]), first]))
        return " + ".join(words)

    def _moved(self, bound: Bound) -> bool:
        if bound.loop is not None:
            return bound.loop in self._loops
        return follows(operand_axes(self._step.operands[bound.operand])[bound.axis], self._loops)

    def _field(self, rule: TileField) -> str:
        words = []
        constant = rule.constant
        for factor, bound in rule.terms:
            name, whole = self._bound(bound)
            if name is None:
                constant += factor * (0 if bound.first else whole)
                continue
            text = f"{name}.first" if bound.first else f"tile_length({name})"
            sign = "- " if factor < 0 else "+ "
            words.append(sign + product([abs(factor), text]))
        text = " ".join(words).removeprefix("+ ")
        if constant:
            text += f" {'-' if constant < 0 else '+'} {abs(constant)}"
        return text

    def _bound(self, bound: Bound) -> tuple[str | None, int]:
        """The name of a range that tiles move, or the whole extent of one that they do not."""
        if bound.loop is not None:
            extent = next(loop.extent for loop in self._step.loops if loop.name == bound.loop)
            return (bound.loop if bound.loop in self._loops else None), extent
        operand = self._step.operands[bound.operand]
        return self._slice(operand, bound.axis), operand.shape[bound.axis]

    def _length(self, operand: Operand, axis: int) -> int | str:
        name = self._slice(operand, axis)
        return operand.shape[axis] if name is None else f"tile_length({name})"

    def _first(self, operand: Operand, axis: int) -> str:
        name = self._slice(operand, axis)
        return "0" if name is None else f"{name}.first"

    def _slice(self, operand: Operand, axis: int) -> str | None:
        """The range of an operand's axis; None where tiles do not move it."""
        found = operand_axes(operand)[axis]
        if not follows(found, self._loops):
            return None
        if found.divide == 1 and found.offset == 0 and len(found.terms) == 1:
            ((loop, scale),) = found.terms
            if scale == 1:
                return loop
        text = self._slice_text(found, operand.shape[axis])
        name, number = found.name, 2
        while self._ranges.setdefault(name, text) != text:
            name, number = f"{found.name}{number}", number + 1
        return name

    def _slice_text(self, axis: Axis, extent: int) -> str:
        low: list[str] = []
        high: list[str] = []
        ends = [axis.offset, axis.offset]
        for loop, scale in axis.terms:
            if loop in self._loops:
                low.append(product([scale, f"{loop}.first"]))
                high.append(product([scale, f"{loop}.last"]))
                ends[1] -= scale
                continue
            whole = next(item.extent for item in self._step.loops if item.name == loop)
            far = scale * (whole - 1)
            ends = [ends[0] + min(0, far), ends[1] + max(0, far)]
        words = ", ".join(_sum(part, end) for part, end in zip((low, high), ends, strict=True))
        return f"tile_slice({words}, {axis.divide}, {extent})"


def _sum(words: list[str], constant: int) -> str:
    text = " + ".join(words)
    return f"{text} {'-' if constant < 0 else '+'} {abs(constant)}" if constant else text
