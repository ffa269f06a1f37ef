"""The memory map as SVG: time across, address up, one box a buffer, colour by kind.

It takes plain data and brings its own background, so that it reads the same in light and dark
viewers. Every box has a tooltip; names stand in the boxes that have room for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import ceil

from trainlib_deployer.memory.svg import Canvas, shown, tag, width_of
from trainlib_deployer.spec.sizes import format_bytes

_WIDTH = 1200
_LEFT, _RIGHT = 76, 172  # margins for the axis and for the marks' labels
_PLOT_WIDTH = _WIDTH - _LEFT - _RIGHT
_PLOT_HEIGHT = 440
_ALIVE_HEIGHT = 48  # of the strip above the map
_HEAD, _LEGEND = 46, 30  # heights
_NEAR = 1.25  # a capacity up to so many arenas is drawn
_LABEL_SPACING, _MAX_LABEL = 13, 22  # of the names along the time, in pixels and in letters

_INK, _FAINT, _GRID, _PAPER, _PLOT = "#1f2933", "#616e7c", "#dfe3e8", "#ffffff", "#f5f7fa"
_PEAK, _BOUND, _CAPACITY = "#111827", "#c81e1e", "#7e22ce"

# fills that dark text can be read on
_COLOURS = {
    "weight": "#7aa6d8",
    "activation": "#84c98b",
    "input_grad": "#f6b26b",
    "weight_grad": "#ea8a88",
    "optimizer_state": "#b6a0dc",
    "input": "#7fcdcd",
    "target": "#d8a6cf",
    "loss": "#c9a98a",
    "scratch": "#d9d36f",
}
_MORE_COLOURS = ("#a3bfb0", "#d6b8a0", "#9db4c0", "#c7c7a6", "#c0b6d9", "#e0b1c4")
_NO_KIND = "#b3bfcc"


@dataclass(frozen=True)
class Box:
    """`size` bytes at `offset`, alive over the columns [first, last) of its map."""

    name: str
    offset: int
    size: int
    first: int
    last: int
    kind: str = ""


@dataclass(frozen=True)
class MemoryMap:
    """One arena over time; `times` names its columns, all sizes are bytes."""

    title: str
    times: Sequence[str]
    boxes: Sequence[Box]
    arena: int
    lower_bound: int
    capacity: int | None = None

    @cached_property
    def alive(self) -> list[int]:
        """The bytes alive in each column."""
        change = [0] * (len(self.times) + 1)
        for box in self.boxes:
            change[box.first] += box.size
            change[box.last] -= box.size
        return list(accumulate(change))[:-1]

    @property
    def top(self) -> int:
        """What the address axis must reach."""
        near = self.capacity if self.capacity and self.capacity <= _NEAR * self.arena else 0
        return max(self.arena, self.lower_bound, near, 1)


def picture_svg(title: str, maps: Sequence[MemoryMap]) -> str:
    """One map below the other, under a title and a legend of all kinds."""
    colours = _colours([box.kind for one in maps for box in one.boxes])
    canvas = Canvas()
    canvas.text(24, 32, title, size=18, weight="600", fill=_INK)
    top = _HEAD + _legend(canvas, colours)
    for one in maps:
        top = _draw(canvas, one, colours, top)
    return canvas.svg(_WIDTH, round(top), _PAPER, _GRID)


def _colours(kinds: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in sorted(set(kinds)):
        others = sum(bool(known) and known not in _COLOURS for known in found)
        spare = _MORE_COLOURS[others % len(_MORE_COLOURS)]
        found[kind] = _COLOURS.get(kind, spare) if kind else _NO_KIND
    return found


def _legend(canvas: Canvas, colours: dict[str, str]) -> float:
    """The height that it takes."""
    x = 24.0
    named = {kind: colour for kind, colour in colours.items() if kind}
    for kind, colour in named.items():
        canvas.rect(x, 48, 13, 13, fill=colour, stroke=_INK, stroke_opacity=0.35, rx=2)
        canvas.text(x + 19, 59, kind.replace("_", " "), fill=_INK)
        x += 19 + width_of(kind, 12) + 22
    return _LEGEND if named else 0


def _draw(canvas: Canvas, one: MemoryMap, colours: dict[str, str], top: float) -> float:
    """Draw a map from `top` on; where the next may start."""
    frame = _Frame(one, top + 30 + _ALIVE_HEIGHT + 26)
    fitted = f"{format_bytes(one.arena)}, {_proof(one)}"
    canvas.text(24, top + 16, one.title, size=14, weight="600", fill=_INK)
    canvas.text(24 + width_of(one.title, 14.5) + 14, top + 16, fitted, fill=_FAINT)
    _alive(canvas, frame, top + 30)
    _address_axis(canvas, frame)
    for box in one.boxes:
        _box(canvas, frame, box, colours[box.kind])
    _peak(canvas, frame)
    for box in one.boxes:
        _name(canvas, frame, box)
    _marks(canvas, frame)
    return frame.bottom + _time_axis(canvas, frame) + 26


def _proof(one: MemoryMap) -> str:
    if one.arena <= one.lower_bound:
        return "equal to the lower bound"
    return f"{format_bytes(one.arena - one.lower_bound)} above the lower bound"


class _Frame:
    """Where times and addresses lie on the canvas."""

    def __init__(self, one: MemoryMap, top: float) -> None:
        self.map = one
        self.top = top
        self.bottom = top + _PLOT_HEIGHT
        self.right = _LEFT + _PLOT_WIDTH
        self.column = _PLOT_WIDTH / max(1, len(one.times))

    def x(self, time: int) -> float:
        return _LEFT + time * self.column

    def y(self, address: int) -> float:
        return self.bottom - address / self.map.top * _PLOT_HEIGHT


def _alive(canvas: Canvas, frame: _Frame, top: float) -> None:
    """A strip of the bytes alive, with the peak marked."""
    alive = frame.map.alive
    bottom = top + _ALIVE_HEIGHT
    most = max(alive, default=0)
    canvas.text(_LEFT - 8, bottom - _ALIVE_HEIGHT / 2 + 4, "alive", anchor="end", fill=_FAINT)
    points = [f"{shown(_LEFT)},{shown(bottom)}"]
    for time, count in enumerate(alive):
        y = bottom - (count / most * _ALIVE_HEIGHT if most else 0)
        points += [f"{shown(frame.x(k))},{shown(y)}" for k in (time, time + 1)]
    points.append(f"{shown(frame.right)},{shown(bottom)}")
    canvas.add(tag("polygon", points=" ".join(points), fill="#cbd5e1", stroke="none"))
    canvas.line(_LEFT, bottom, frame.right, bottom, stroke=_FAINT, width=0.8)
    if not most:
        return
    peak = alive.index(most)
    width = max(frame.column, 2)
    canvas.rect(frame.x(peak), top, width, _ALIVE_HEIGHT, fill=_PEAK)
    words = f"peak: {format_bytes(most)} at {frame.map.times[peak]}"
    middle = frame.x(peak) + width / 2
    half = width_of(words, 12) / 2
    canvas.text(
        min(max(middle, _LEFT + half), frame.right - half),
        bottom + 16,
        words,
        anchor="middle",
        fill=_PEAK,
        weight="600",
    )


def _address_axis(canvas: Canvas, frame: _Frame) -> None:
    canvas.rect(_LEFT, frame.top, _PLOT_WIDTH, _PLOT_HEIGHT, fill=_PLOT)
    step = 1
    while frame.map.top / step > 9:
        step *= 2
    unit, name = (1024, "KiB") if step >= 512 else (1, "B")
    for address in range(0, frame.map.top + 1, step):
        y = frame.y(address)
        canvas.line(_LEFT, y, frame.right, y, stroke=_GRID, width=1)
        label = f"{address / unit:.10g} {name}"
        canvas.text(_LEFT - 8, y + 4, label, anchor="end", fill=_FAINT, size=11)


def _box(canvas: Canvas, frame: _Frame, box: Box, colour: str) -> None:
    x, width = frame.x(box.first), (box.last - box.first) * frame.column
    y = frame.y(box.offset + box.size)
    height = frame.y(box.offset) - y
    line = 0.8 if min(width, height) > 3 else 0.3
    names = frame.map.times
    life = names[box.first]
    if box.last - box.first > 1:
        life += f" to {names[box.last - 1]}"
    kind = f", {box.kind}" if box.kind else ""
    told = f"{box.name}: {box.size} bytes at {box.offset}, {life}{kind}"
    canvas.open_group(told)
    canvas.rect(
        x, y, width, max(height, 0.3), fill=colour, stroke=_INK, stroke_opacity=0.55, line=line
    )
    canvas.close_group()


def _name(canvas: Canvas, frame: _Frame, box: Box) -> None:
    """The name in its box, upright or turned, where there is room for all of it."""
    width = (box.last - box.first) * frame.column
    height = box.size / frame.map.top * _PLOT_HEIGHT
    x = frame.x(box.first) + width / 2
    y = frame.y(box.offset) - height / 2
    for size in (11, 10, 9):
        length, drop = width_of(box.name, size) + 6, size * 0.36
        if length <= width and height >= size + 2:
            canvas.text(x, y + drop, box.name, size=size, anchor="middle", fill=_INK)
            return
        if length <= height and width >= size + 2:
            canvas.text(x + drop, y, box.name, size=size, anchor="middle", fill=_INK, turn=-90)
            return


def _peak(canvas: Canvas, frame: _Frame) -> None:
    """Lines on both sides of the column at which most is alive."""
    alive = frame.map.alive
    if any(alive):
        peak = alive.index(max(alive))
        for time in (peak, peak + 1):
            x = frame.x(time)
            canvas.line(x, frame.top, x, frame.bottom, stroke=_PEAK, width=1.1, dash="2 3")


def _marks(canvas: Canvas, frame: _Frame) -> None:
    """The lower bound, the arena and a capacity that is near."""
    one = frame.map
    marks = [(one.lower_bound, "lower bound", _BOUND, "7 4")]
    if one.arena > one.lower_bound:
        marks.append((one.arena, "arena", _INK, "1 0"))
    if one.capacity is not None and one.capacity <= one.top:
        marks.append((one.capacity, "capacity", _CAPACITY, "10 3 2 3"))
    free_below = frame.bottom + 20.0
    for address, words, colour, dash in sorted(marks, key=lambda mark: mark[0]):
        y = frame.y(address)
        canvas.line(_LEFT, y, frame.right + 6, y, stroke=colour, width=1.6, dash=dash)
        # labels keep their distance where the marks do not
        at = min(y + 4, free_below - 15)
        free_below = at
        label = f"{words} {format_bytes(address)}"
        canvas.text(frame.right + 10, at, label, fill=colour, size=11, weight="600")


def _time_axis(canvas: Canvas, frame: _Frame) -> float:
    """Names along the time, as many as there is room for; the height that they take."""
    names = [
        name if len(name) <= _MAX_LABEL else name[: _MAX_LABEL - 1] + "…"
        for name in frame.map.times
    ]
    longest = max((width_of(name, 11) for name in names), default=0)
    canvas.line(_LEFT, frame.bottom, frame.right, frame.bottom, stroke=_FAINT, width=0.8)
    if longest + 8 <= frame.column:
        for time, name in enumerate(names):
            x = frame.x(time) + frame.column / 2
            canvas.text(x, frame.bottom + 16, name, size=11, anchor="middle", fill=_FAINT)
        return 22
    every = ceil(_LABEL_SPACING / frame.column)
    for time in range(0, len(names), every):
        x = frame.x(time) + frame.column / 2
        canvas.line(x, frame.bottom, x, frame.bottom + 4, stroke=_FAINT, width=0.8)
        canvas.text(
            x + 3, frame.bottom + 13, names[time],
            size=11, anchor="end", fill=_FAINT, turn=-60,
        )  # fmt: skip
    return 18 + longest * 0.87
