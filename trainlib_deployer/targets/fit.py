"""The built program against the plan: what the linker placed must be what was planned."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainlib_deployer.errors import RunFailedError
from trainlib_deployer.spec.sizes import format_bytes
from trainlib_deployer.targets.elf import Elf, ElfError, Symbol, read_elf

_GUARD = re.compile(r"^#define TL_GUARD_BYTES (\d+)", re.MULTILINE)


def check_fit(program: Path, header: Path, plan: Mapping[str, Any]) -> None:
    """Compare arenas, levels and what else lies in them; `header` is the target's tl_target.h.

    A target whose linker script gives `tl_l1_start` and `tl_l1_end` has L1 as a region of its own:
    then the region has the level's size, and all in it but the arena fits into what is reserved.
    Raises RunFailedError.
    """
    try:
        elf = read_elf(program)
        guard = _GUARD.search(header.read_text(encoding="utf-8"))
    except (OSError, ElfError) as error:
        raise RunFailedError(f"cannot compare the program with the plan: {error}.") from error
    if guard is None:
        raise RunFailedError(f"{header} does not define TL_GUARD_BYTES.")
    wrong = [
        text
        for level, use in plan["memory"].items()
        for text in _differences(elf, level, use, 2 * int(guard[1]))
    ]
    if wrong:
        raise RunFailedError(f"the built program is not what was planned: {'; '.join(wrong)}.")


def _differences(elf: Elf, level: str, use: Mapping[str, Any], guards: int) -> list[str]:
    name = level.upper()
    arena = elf.symbols.get(f"{level}_arena")
    planned = use["used"] + guards if use["used"] else 0
    built = arena.size if arena else 0
    if built != planned:
        return [f"the arena of {name} has {built} bytes, planned are {planned}"]
    start, end = elf.symbols.get(f"tl_{level}_start"), elf.symbols.get(f"tl_{level}_end")
    if start is None or end is None:
        return []
    found = []
    if end.address - start.address != use["capacity"]:
        found.append(
            f"{name} has {end.address - start.address} bytes, the device has {use['capacity']}"
        )
    if arena and not start.address <= arena.address <= end.address - arena.size:
        found.append(f"the arena of {name} lies outside of it")
    others = _others(elf, arena, start.address, end.address)
    if others > use["reserved"]:
        found.append(
            f"program, data and stacks take {format_bytes(others)} of {name}, reserved are"
            f" {format_bytes(use['reserved'])}"
        )
    return found


def _others(elf: Elf, arena: Symbol | None, start: int, end: int) -> int:
    """Bytes of [start, end) that sections take, but for the arena."""
    taken = sum(
        max(0, min(section.address + section.size, end) - max(section.address, start))
        for section in elf.sections
    )
    return taken - (arena.size if arena else 0)
