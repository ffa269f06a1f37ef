"""Problem and plan as text: CSV with id,lower,upper,size in, the same with offset out."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainlib_deployer.errors import Diagnostics, Location, SpecError
from trainlib_deployer.memory.problem import MAX_TIME, Buffer, Plan, Problem
from trainlib_deployer.spec.sizes import MAX_BYTES
from trainlib_deployer.spec.suggest import did_you_mean

COLUMNS = ("id", "lower", "upper", "size")
MAX_BUFFERS = 100_000

_LIMITS = {"lower": MAX_TIME, "upper": MAX_TIME, "size": MAX_BYTES}


def read_problem(path: Path, capacity: int | None = None) -> Problem:
    """The buffers of a file; SpecError with everything that is wrong, line by line."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror}.") from error
    return parse_problem(content, str(path), capacity)


def parse_problem(content: bytes, name: str, capacity: int | None = None) -> Problem:
    """As read_problem; `name` is the file's, for messages. A column `offset` is not read."""
    wrong = Diagnostics()
    text = _text(content, name, wrong)
    wrong.raise_if_any()
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    buffers: dict[str, Buffer] = {}
    lines: dict[str, int] = {}
    read = 0  # lines
    try:
        header = [column.strip() for column in reader.fieldnames or ()]
        _check_header(header, name, wrong)
        wrong.raise_if_any()
        reader.fieldnames = header
        read = reader.line_num
        for row in reader:
            read = reader.line_num
            where = Location(name, read, 1)
            buffer = _buffer(row, where, wrong)
            if buffer is None:
                continue
            if buffer.name in buffers:
                first = f"The first is in line {lines[buffer.name]}."
                wrong.add(f"the id '{buffer.name}' is there twice.", where, first)
                continue
            buffers[buffer.name], lines[buffer.name] = buffer, read
            if len(buffers) > MAX_BUFFERS:
                wrong.add(f"these are more than {MAX_BUFFERS:,} buffers.", where)
                break
    except csv.Error as error:
        wrong.add(f"{error}.", Location(name, read + 1, 1))
    wrong.raise_if_any()
    return Problem(tuple(buffers.values()), capacity)


def write_plan(problem: Problem, plan: Plan) -> str:
    """The CSV with offsets; reading it gives the same problem."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, "offset"))
    for b in problem.buffers:
        writer.writerow((b.name, b.first, b.last, b.size, plan.offsets[b.name]))
    return text.getvalue()


def _text(content: bytes, name: str, wrong: Diagnostics) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = Location(name, content.count(b"\n", 0, error.start) + 1, 1)
        wrong.add("this is not text in UTF-8.", where)
        return ""
    for number, line in enumerate(text.split("\n"), 1):
        if "\0" in line:
            wrong.add("the line holds a NUL.", Location(name, number, line.index("\0") + 1))
    return text


def _check_header(names: Sequence[str], path: str, wrong: Diagnostics) -> None:
    where = Location(path, 1, 1)
    for missing in (column for column in COLUMNS if column not in names):
        hint = f"The first line is {','.join(COLUMNS)}."
        wrong.add(f"the column '{missing}' is missing.", where, hint)
    for unknown in (column for column in names if column not in (*COLUMNS, "offset")):
        hint = did_you_mean(unknown, COLUMNS) or f"Known columns: {', '.join(COLUMNS)}."
        wrong.add(f"unknown column '{unknown}'.", where, hint)
    for column in dict.fromkeys(names):
        if names.count(column) > 1:
            wrong.add(f"the column '{column}' is there twice.", where)


def _buffer(row: Mapping[str, str | None], where: Location, wrong: Diagnostics) -> Buffer | None:
    # DictReader files surplus values under None, and fills missing ones with it
    if None in row or None in row.values():
        wrong.add("the line has too few or too many values.", where)
        return None
    name = (row["id"] or "").strip()
    if not name:
        wrong.add("the id is empty.", where)
    numbers: dict[str, int] = {}
    for column, limit in _LIMITS.items():
        text = (row[column] or "").strip()
        number = _number(text, limit)
        if number is None:
            words = "a whole number from 0 to 2^40"
            wrong.add(f"{column} takes {words}, not '{text[:40]}'.", where)
        else:
            numbers[column] = number
    if not name or len(numbers) < len(_LIMITS):
        return None
    buffer = Buffer(name, numbers["size"], numbers["lower"], numbers["upper"])
    if buffer.first >= buffer.last:
        life = f"'{name}' lives over [{buffer.first}, {buffer.last})"
        wrong.add(f"{life}: upper must be above lower.", where)
        return None
    return buffer


def _number(text: str, limit: int) -> int | None:
    """ASCII digits only: int() takes much more."""
    if not (text.isascii() and text.isdigit()) or len(text.lstrip("0")) > len(str(limit)):
        return None
    return int(text) if int(text) <= limit else None
