"""The part of the C library that a network uses, found by following #include."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def library_files(library: Path, sources: Iterable[str], roots: Iterable[str]) -> tuple[str, ...]:
    """Paths inside `library`: the kernels' `sources`, what the texts `roots` include, and what
    those include. A header `tl/x.h` brings `src/x.c` where there is one."""
    found: set[str] = set()
    waiting = list(sources)
    for text in roots:
        waiting.extend(_resolve(library, _INCLUDE.findall(text)))
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        text = (library / path).read_text(encoding="utf-8")
        waiting.extend(_resolve(library, _INCLUDE.findall(text)))
    return tuple(sorted(found))


def _resolve(library: Path, names: Iterable[str]) -> list[str]:
    """Library files among included names; the rest belongs to the project or the target."""
    found: list[str] = []
    for name in names:
        found.extend(
            f"{folder}/{name}"
            for folder in ("include", "src")
            if (library / folder / name).is_file()
        )
        twin = f"src/{Path(name).stem}.c"
        if name.startswith("tl/") and (library / twin).is_file():
            found.append(twin)
    return found
