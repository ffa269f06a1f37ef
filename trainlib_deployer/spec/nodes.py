"""The tree of a YAML file: each key and value with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trainlib_deployer.errors import Location

Plain = None | bool | int | float | str
_SHOWN_CHARACTERS = 40


@dataclass(frozen=True)
class Scalar:
    """One value; `text` is how the file writes it."""

    where: Location
    value: Plain
    text: str


@dataclass(frozen=True)
class ListNode:
    """A list."""

    where: Location
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Entry:
    """One `key: value` of a mapping."""

    key_where: Location
    value: Node


@dataclass(frozen=True)
class MapNode:
    """A mapping; keys are strings and occur once."""

    where: Location
    entries: Mapping[str, Entry]


Node = Scalar | ListNode | MapNode


def shorten(text: str) -> str:
    """The text on one line, cut to a length that fits into a message."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 3] + "..."


def show(node: Node) -> str:
    """The value as an error message shows it."""
    if isinstance(node, MapNode):
        return "a mapping"
    if isinstance(node, ListNode):
        if all(isinstance(item, Scalar) for item in node.items[:8]):
            return shorten(f"[{', '.join(show(item) for item in node.items[:16])}]")
        return "a list"
    if node.value is None:
        return "nothing" if not node.text else node.text
    return f"'{shorten(node.text)}'" if isinstance(node.value, str) else shorten(node.text)
