"""Buffers as CSV: id,lower,upper,size in, the same with offset out."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from trainlib_deployer.errors import Diagnostics, Location, SpecError
from trainlib_deployer.memory.problem import Buffer, Plan, Problem
from trainlib_deployer.spec.suggest import did_you_mean

COLUMNS = ("id", "lower", "upper", "size")
MAX_BUFFERS = 100_000
MAX_VALUE = 2**40


def read_buffers(path: Path) -> Problem:
    """The buffers of a file; SpecError with everything that is wrong, line by line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise SpecError(f"{path} is not text in UTF-8.") from error
    diagnostics = Diagnostics()
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True, strict=True)
    buffers: dict[str, Buffer] = {}
    try:
        _check_header(reader.fieldnames or (), str(path), diagnostics)
        diagnostics.raise_if_any()
        for row in reader:
            where = Location(str(path), reader.line_num, 1)
            buffer = _buffer(row, where, diagnostics)
            if buffer and buffer.name in buffers:
                diagnostics.add(f"the id '{buffer.name}' is there twice", where)
            elif buffer:
                buffers[buffer.name] = buffer
            if len(buffers) > MAX_BUFFERS:
                raise SpecError(f"{path} has more than {MAX_BUFFERS:,} buffers.")
    except csv.Error as error:
        raise SpecError(f"{path}:{reader.line_num}:1: {error}.") from error
    diagnostics.raise_if_any()
    return Problem(tuple(buffers.values()))


def _check_header(columns: object, path: str, diagnostics: Diagnostics) -> None:
    names = [str(name).strip() for name in columns] if isinstance(columns, list) else []
    where = Location(path, 1, 1)
    for missing in (column for column in COLUMNS if column not in names):
        diagnostics.add(
            f"the column '{missing}' is missing.", where, f"The first line is {','.join(COLUMNS)}."
        )
    for unknown in (name for name in names if name not in (*COLUMNS, "offset")):
        hint = did_you_mean(unknown, COLUMNS) or f"Known columns: {', '.join(COLUMNS)}."
        diagnostics.add(f"unknown column '{unknown}'.", where, hint)


def _buffer(
    row: Mapping[str, str | None], where: Location, diagnostics: Diagnostics
) -> Buffer | None:
    if None in row or any(row[column] is None for column in COLUMNS):
        diagnostics.add("the line has too few or too many values", where)
        return None
    name = (row["id"] or "").strip()
    numbers = {column: _number(row[column] or "") for column in COLUMNS[1:]}
    wrong = [column for column, number in numbers.items() if number is None]
    for column in wrong:
        diagnostics.add(
            f"{column} takes a whole number from 0 to 2^40, not '{(row[column] or '')[:40]}'", where
        )
    first, last, size = numbers["lower"], numbers["upper"], numbers["size"]
    if not name:
        diagnostics.add("the id is empty", where)
    if first is None or last is None or size is None or not name:
        return None
    if first >= last:
        diagnostics.add(f"'{name}' lives over [{first}, {last}): upper must be above lower", where)
        return None
    return Buffer(name, size, first, last)


def _number(text: str) -> int | None:
    """ASCII digits only: int() takes much more."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(MAX_VALUE)):
        return None
    return int(digits) if int(digits) <= MAX_VALUE else None


def write_buffers(problem: Problem, plan: Plan) -> str:
    """The CSV with offsets, without the last line's end."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, "offset"))
    for b in problem.buffers:
        writer.writerow((b.name, b.first, b.last, b.size, plan.offsets[b.name]))
    return text.getvalue().rstrip("\n")
