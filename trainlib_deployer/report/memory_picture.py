"""The memory map as SVG: time across, address up, one box a buffer, colour by kind."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from trainlib_deployer.memory.plan import Allocation, LevelUse
from trainlib_deployer.project import Project
from trainlib_deployer.report.memory_levels import levels_document
from trainlib_deployer.spec.sizes import format_bytes

COLOURS = {
    "weight": "#4e79a7",
    "activation": "#59a14f",
    "input_grad": "#f28e2b",
    "weight_grad": "#e15759",
    "input": "#76b7b2",
    "target": "#b07aa1",
    "loss": "#9c755f",
}
_OTHER_COLOUR = "#bab0ac"

_WIDTH, _HEIGHT = 1000, 420  # of one level's map
_LEFT, _TOP, _GAP = 90, 60, 70
_MIN_LABEL_WIDTH, _MIN_LABEL_HEIGHT, _LETTER_WIDTH = 24, 10, 6


def picture_svg(project: Project) -> str:
    """One map a level that holds something."""
    uses = [use for use in project.memory.levels.values() if use.used]
    height = _TOP + len(uses) * (_HEIGHT + _GAP)
    kinds = dict.fromkeys(allocation.kind for allocation in project.memory.allocations)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 20} {height}"'
        ' font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="15">{escape(project.graph.name)}:'
        f" memory of one training step, {len(project.schedule.steps)} Steps</text>",
        *_legend(kinds),
    ]
    for index, use in enumerate(uses):
        parts += _level(project, use, _TOP + index * (_HEIGHT + _GAP))
    return "\n".join([*parts, "</svg>", ""])


def _legend(kinds: Iterable[str]) -> list[str]:
    return [
        f'<rect x="{_LEFT + 110 * i}" y="30" width="10" height="10" fill="{_colour(kind)}"/>'
        f'<text x="{_LEFT + 110 * i + 14}" y="39">{escape(kind)}</text>'
        for i, kind in enumerate(kinds)
    ]


def _colour(kind: str) -> str:
    return COLOURS.get(kind, _OTHER_COLOUR)


def _level(project: Project, use: LevelUse, top: int) -> list[str]:
    names = [step.name for step in project.schedule.steps]
    column, scale = _WIDTH / len(names), _HEIGHT / use.used
    peak = levels_document(project)[use.level]["peak"]
    parts = [
        f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" fill="#f4f4f4"/>',
        f'<text x="{_LEFT - 8}" y="{top + 10}" text-anchor="end">{format_bytes(use.used)}</text>',
        f'<text x="{_LEFT - 8}" y="{top + _HEIGHT}" text-anchor="end">{use.level.upper()} 0</text>',
    ]
    for allocation in project.memory.allocations:
        if allocation.level == use.level:
            parts.append(_box(allocation, names, top, column, scale))
    if peak:
        left = _LEFT + names.index(peak["step"]) * column
        parts.append(
            f'<rect x="{left:.1f}" y="{top}" width="{column:.1f}" height="{_HEIGHT}" fill="none"'
            f' stroke="black" stroke-dasharray="3 2"/><text x="{left:.1f}"'
            f' y="{top + _HEIGHT + 14}">peak: {format_bytes(peak["bytes"])} at'
            f" {escape(peak['step'])}</text>"
        )
    bound = top + _HEIGHT - use.lower_bound * scale
    return [
        *parts,
        f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{bound:.1f}" y2="{bound:.1f}"'
        ' stroke="red" stroke-dasharray="6 3"/>',
        f'<text x="{_LEFT}" y="{top + _HEIGHT + 28}" fill="red">lower bound'
        f" {format_bytes(use.lower_bound)}; {format_bytes(use.capacity)} in the device</text>",
    ]


def _box(a: Allocation, names: list[str], top: int, column: float, scale: float) -> str:
    x, width = _LEFT + a.first * column, (a.last - a.first) * column
    height = a.bytes * scale
    y = top + _HEIGHT - a.offset * scale - height
    told = f"{a.name}: {a.bytes} bytes at {a.offset}, {names[a.first]} to {names[a.last - 1]}"
    text = ""
    if width >= _MIN_LABEL_WIDTH and height >= _MIN_LABEL_HEIGHT:
        label = a.name[: int(width / _LETTER_WIDTH)]
        text = f'<text x="{x + 2:.1f}" y="{y + height / 2 + 4:.1f}">{escape(label)}</text>'
    return (
        f'<g><title>{escape(told)}</title><rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}"'
        f' height="{height:.1f}" fill="{_colour(a.kind)}" fill-opacity="0.75" stroke="white"'
        f' stroke-width="0.5"/>{text}</g>'
    )
