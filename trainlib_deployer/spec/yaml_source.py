"""YAML text → tree of nodes, each key and value with its line and column.

The tree is built from the parser's events, without recursion, so that hostile nesting and
aliases meet a limit of ours and not one of the interpreter's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from trainlib_deployer.errors import Diagnostic, Diagnostics, Location
from trainlib_deployer.spec.nodes import Entry, ListNode, MapNode, Node, Scalar, shorten, show
from trainlib_deployer.spec.yaml_messages import explain_syntax_error, find_unprintable
from trainlib_deployer.spec.yaml_scalars import resolve

MAX_FILE_BYTES = 4 * 2**20
MAX_NODES = 500_000  # keys and values, aliases written out
MAX_DEPTH = 50
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _FatalError(Exception):
    """Nothing behind this place can be read."""

    def __init__(self, message: str, where: Location) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(message, where)


@dataclass(frozen=True)
class Source:
    """A YAML file as it was read."""

    file: str
    text: bytes
    root: Node


def read_yaml(path: Path, diagnostics: Diagnostics) -> Source | None:
    """The tree of a file; None, with the reason in `diagnostics`, where it cannot be read."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        diagnostics.add(f"{file}: there is no such file")
        return None
    except IsADirectoryError:
        diagnostics.add(f"{file}: this is a folder, not a YAML file")
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        diagnostics.add(f"{file}: the file cannot be read ({reason})")
        return None
    if len(data) > MAX_FILE_BYTES:
        diagnostics.add(f"{file}: the file is larger than the limit of {MAX_FILE_BYTES >> 20} MiB")
        return None
    text = _decode(data, file, diagnostics)
    root = None if text is None else parse_yaml(text, file, diagnostics)
    return None if root is None else Source(file, data, root)


def _decode(data: bytes, file: str, diagnostics: Diagnostics) -> str | None:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before) - (before.rfind(b"\n") + 1) + 1
        diagnostics.add("the file is not UTF-8 text", Location(file, line, column))
        return None


def parse_yaml(text: str, file: str, diagnostics: Diagnostics) -> Node | None:
    """The tree of a text; None, with the reason in `diagnostics`, where it is no YAML."""
    unprintable = find_unprintable(text, file)
    if unprintable:
        diagnostics.items.append(unprintable)
        return None
    builder = _Builder(file, diagnostics)
    try:
        for event in _events(text):
            builder.take(event)
    except _FatalError as error:
        diagnostics.items.append(error.diagnostic)
        return None
    except yaml.YAMLError as error:
        diagnostics.items.append(explain_syntax_error(error, text, file))
        return None
    if builder.root is None or (isinstance(builder.root, Scalar) and not builder.root.text):
        diagnostics.add(f"{file}: the file is empty")
        return None
    return builder.root


def _events(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


@dataclass
class _Frame:
    """A list or mapping that is still open."""

    where: Location
    anchor: str | None
    nodes_before: int
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Node | None = None
    height: int = 0


@dataclass(frozen=True)
class _Anchored:
    node: Node
    nodes: int
    height: int


class _Builder:
    """Takes events one by one and grows the tree."""

    def __init__(self, file: str, diagnostics: Diagnostics) -> None:
        self.root: Node | None = None
        self._file = file
        self._diagnostics = diagnostics
        self._open: list[_Frame] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None: still open
        self._nodes = 0

    def take(self, event: Any) -> None:
        """Continue with the next event."""
        mark = event.start_mark
        where = Location(self._file, mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event, where)
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(str(event.anchor), where)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open_collection(event, where)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close_collection()
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise _FatalError("a second YAML document begins here; a spec is one document", where)

    def _take_scalar(self, event: Any, where: Location) -> None:
        self._refuse_tag(event, where)
        self._count(1, where)
        value = resolve(event.value) if event.implicit[0] else event.value
        node = Scalar(where, value, event.value)
        self._keep(event.anchor, _Anchored(node, 1, 0))
        self._place(node)

    def _take_alias(self, name: str, where: Location) -> None:
        if name not in self._anchors:
            raise _FatalError(f"the alias *{shorten(name)} has no anchor before it", where)
        anchored = self._anchors[name]
        if anchored is None:
            raise _FatalError(f"the alias *{shorten(name)} contains itself", where)
        self._count(anchored.nodes, where)
        self._check_depth(anchored.height, where)
        self._place(anchored.node, anchored.height)

    def _open_collection(self, event: Any, where: Location) -> None:
        self._refuse_tag(event, where)
        self._check_depth(1, where)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._open.append(_Frame(where, event.anchor, self._nodes, is_mapping))
        self._keep(event.anchor, None)
        self._count(1, where)

    def _close_collection(self) -> None:
        frame = self._open.pop()
        node: Node = (
            MapNode(frame.where, frame.entries)
            if frame.is_mapping
            else ListNode(frame.where, tuple(frame.items))
        )
        height = frame.height + 1
        self._keep(frame.anchor, _Anchored(node, self._nodes - frame.nodes_before, height))
        self._place(node, height)

    def _place(self, node: Node, height: int = 0) -> None:
        if not self._open:
            self.root = node
            return
        frame = self._open[-1]
        frame.height = max(frame.height, height)
        if not frame.is_mapping:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            self._add_entry(frame, frame.key, node)
            frame.key = None

    def _add_entry(self, frame: _Frame, key: Node, value: Node) -> None:
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            self._diagnostics.add(f"a key is a word, not {show(key)}", key.where)
        elif key.value == "<<":
            raise _FatalError("merge keys (<<) are not supported; write the keys out", key.where)
        elif key.value in frame.entries:
            first = frame.entries[key.value].key_where.line
            message = f"the key '{shorten(key.value)}' is given twice, first in line {first}"
            self._diagnostics.add(message, key.where)
        else:
            frame.entries[key.value] = Entry(key.where, value)

    def _keep(self, anchor: str | None, anchored: _Anchored | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = anchored

    def _count(self, nodes: int, where: Location) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            message = f"the spec has more than {MAX_NODES} values, aliases written out"
            raise _FatalError(message, where)

    def _check_depth(self, height: int, where: Location) -> None:
        if len(self._open) + height > MAX_DEPTH:
            raise _FatalError(f"lists and mappings are nested more than {MAX_DEPTH} deep", where)

    def _refuse_tag(self, event: Any, where: Location) -> None:
        if event.tag is not None and event.tag != "!":
            tag = shorten(event.tag.replace("tag:yaml.org,2002:", "!!"))
            raise _FatalError(f"YAML tags such as {tag} are not supported", where)
