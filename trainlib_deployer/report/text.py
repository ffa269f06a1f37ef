"""Tables in plain text."""

from __future__ import annotations

from collections.abc import Sequence

Cell = str | int | float | None


def table(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Columns side by side, numbers to the right, under a header."""
    cells = [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    is_number = [
        any(isinstance(cell, int | float) for cell in column)
        for column in zip(*rows, strict=True)
    ] or [False] * len(header)  # fmt: skip

    def line(words: Sequence[str]) -> str:
        parts = zip(words, widths, is_number, strict=True)
        return "  ".join(w.rjust(n) if right else w.ljust(n) for w, n, right in parts).rstrip()

    return "\n".join([line(header), *map(line, cells)])


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.2f}"


def shape(sizes: Sequence[int]) -> str:
    """1x8x8; a single value is 'scalar'."""
    return "x".join(map(str, sizes)) or "scalar"


def plural(count: int, word: str) -> str:
    """1 layer, 2 layers."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
