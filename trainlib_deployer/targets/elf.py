"""The sections and symbols of an ELF file (System V ABI; little-endian, 32 and 64 bits)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_MAGIC = b"\x7fELF"
_LITTLE_ENDIAN = 1
_SYMTAB = 2
_ALLOC = 2


class ElfError(Exception):
    """Not an ELF file, or a damaged one."""


@dataclass(frozen=True)
class Section:
    """One section; `is_loaded` where it takes memory when the program runs."""

    name: str
    kind: int
    is_loaded: bool
    address: int
    offset: int
    size: int
    link: int


@dataclass(frozen=True)
class Symbol:
    """A name's address and size in bytes."""

    address: int
    size: int


@dataclass(frozen=True)
class _Format:
    """Where each class of ELF keeps what is asked for."""

    section_table: str  # of the header: offset of the table, entry size, entries, names' index
    section_table_at: int
    section: str
    symbol: str
    symbol_fields: tuple[int, int, int]  # name, value, size in the symbol's struct


_FORMATS = {
    1: _Format("<I10xHHH", 32, "<10I", "<IIIBBH", (0, 1, 2)),
    2: _Format("<Q10xHHH", 40, "<IIQQQQIIQQ", "<IBBHQQ", (0, 4, 5)),
}


@dataclass(frozen=True)
class Elf:
    """The loaded sections and the symbols of a file; of symbols with one name the last."""

    sections: tuple[Section, ...]
    symbols: Mapping[str, Symbol]


def read_elf(path: Path) -> Elf:
    """Raises ElfError and OSError."""
    content = path.read_bytes()
    if content[:4] != _MAGIC or len(content) < 16 or content[5] != _LITTLE_ENDIAN:
        raise ElfError(f"{path} is no little-endian ELF file")
    try:
        layout = _FORMATS[content[4]]
        sections = _sections(content, layout)
        symbols = dict(_symbols(content, layout, sections))
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise ElfError(f"{path} is damaged") from error
    return Elf(tuple(s for s in sections if s.is_loaded and s.size), symbols)


def _sections(content: bytes, layout: _Format) -> list[Section]:
    start, size, count, names = struct.unpack_from(
        layout.section_table, content, layout.section_table_at
    )
    rows = [struct.unpack_from(layout.section, content, start + i * size) for i in range(count)]
    return [
        Section(
            _text(content, rows[names][4] + name), kind, bool(flags & _ALLOC), address, offset,
            size, link,
        )
        for name, kind, flags, address, offset, size, link, *_ in rows
    ]  # fmt: skip


def _symbols(
    content: bytes, layout: _Format, sections: list[Section]
) -> Iterator[tuple[str, Symbol]]:
    for table in sections:
        if table.kind != _SYMTAB:
            continue
        names = sections[table.link].offset
        entries = content[table.offset : table.offset + table.size]
        for row in struct.iter_unpack(layout.symbol, entries):
            name, value, size = (row[index] for index in layout.symbol_fields)
            if name:
                yield _text(content, names + name), Symbol(value, size)


def _text(content: bytes, start: int) -> str:
    return content[start : content.index(0, start)].decode("utf-8", "replace")
