"""Sizes in bytes: `64k`, `64KiB`, `1.5M`, `65536`; 1k = 1024 bytes."""

from __future__ import annotations

import re
from fractions import Fraction

MAX_BYTES = 2**40
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
SIZE_PATTERN = r"^[0-9]{1,16}(\.[0-9]{1,16})?([kKmMgG](i?[bB])?|[bB])?$"
_SIZE = re.compile(SIZE_PATTERN)


class SizeError(ValueError):
    """No size; the text says what one is."""


def parse_size(text: str | int, *, allow_zero: bool = False) -> int:
    """The bytes that a size stands for; SizeError where it is none."""
    if isinstance(text, int):
        size = Fraction(text)
    else:
        written = text.strip()
        if not _SIZE.match(written):
            raise SizeError("a size such as 64k, 1.5M or 65536")
        number = written.rstrip("iIbBkKmMgG")
        unit = written[len(number) :].lower().rstrip("b").rstrip("i")
        size = Fraction(number) * _UNITS[unit]
    if size.denominator != 1:
        raise SizeError("a whole number of bytes")
    if size < 0 or size > MAX_BYTES or (size == 0 and not allow_zero):
        low = 0 if allow_zero else 1
        raise SizeError(f"a size from {low} byte{'s' * allow_zero} to {format_bytes(MAX_BYTES)}")
    return int(size)


def format_bytes(count: int) -> str:
    """The size as people read it: 65536 is "64 KiB", 1000 is "1000 B"."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            value = count / size
            digits = 0 if count % size == 0 else 1 if value >= 100 else 2
            text = f"{value:.{digits}f}"
            return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}"
    return f"{count} B"
