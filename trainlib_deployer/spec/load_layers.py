"""The list `layers`: names, types, options and inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from trainlib_deployer.errors import Location
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Layer
from trainlib_deployer.spec.field import FieldError
from trainlib_deployer.spec.fields import fields_of
from trainlib_deployer.spec.model import LayerSpec
from trainlib_deployer.spec.nodes import Entry, ListNode, MapNode, Node, Scalar, shorten, show
from trainlib_deployer.spec.reader import Reader
from trainlib_deployer.spec.suggest import did_you_mean

MAX_LAYERS = 2000
_MAX_INPUTS = 16  # of one layer that are looked at; no layer takes as many
NETWORK_INPUT = "input"
_COMMON_KEYS = ("type", "name", "input", "inputs", "trainable")
_EXAMPLE = "[{type: linear, out_features: 10}]"


@dataclass(frozen=True)
class _Item:
    """An item whose type and name are known, as far as they can be."""

    node: MapNode
    type: str
    name: str
    is_sound: bool

    @property
    def context(self) -> str:
        return f"{self.type} '{self.name}': "


def read_layers(node: Node, reader: Reader) -> tuple[LayerSpec, ...] | None:
    """The items of `layers`; None where there is nothing to go on with."""
    if not isinstance(node, ListNode) or not node.items:
        reader.error(f"layers takes a list such as {_EXAMPLE}, not {show(node)}", node.where)
        return None
    if len(node.items) > MAX_LAYERS:
        count = len(node.items)
        reader.error(f"the spec has {count} layers; the limit is {MAX_LAYERS}", node.where)
        return None
    items = _read_names(node.items, reader)
    inputs = _InputReader(items, reader).read_all()
    layers = tuple(map(_read_item, items, inputs, repeat(reader)))
    return layers if len(layers) == len(node.items) else None


def _read_names(nodes: tuple[Node, ...], reader: Reader) -> list[_Item]:
    counts: dict[str, int] = {}
    taken: dict[str, Location] = {}
    items = []
    for index, node in enumerate(nodes, start=1):
        if not isinstance(node, MapNode):
            word = node.value if isinstance(node, Scalar) else None
            example = f"{{type: {word if word in LAYERS else 'relu'}}}"
            reader.error(f"layer {index} takes a mapping such as {example}, not {show(node)}",
                         node.where)  # fmt: skip
            continue
        layer_type = _read_type(node, index, reader)
        shown_type = layer_type or "layer"
        counts[shown_type] = counts.get(shown_type, 0) + 1
        default_name = f"{shown_type}{counts[shown_type]}"
        name, is_free = _read_name(node, default_name, taken, reader)
        items.append(_Item(node, shown_type, name, layer_type is not None and is_free))
    return items


def _read_type(node: MapNode, index: int, reader: Reader) -> str | None:
    entry = node.entries.get("type")
    if entry is None:
        reader.error(f"layer {index} has no type", node.where, f"Known: {', '.join(LAYERS)}.")
        return None
    value = entry.value.value if isinstance(entry.value, Scalar) else None
    if isinstance(value, str) and value in LAYERS:
        return value
    hint = did_you_mean(value, LAYERS) if isinstance(value, str) else None
    reader.error(f"unknown layer type {show(entry.value)}", entry.value.where,
                 hint or f"Known: {', '.join(LAYERS)}.")  # fmt: skip
    return None


def _read_name(
    node: MapNode, default_name: str, taken: dict[str, Location], reader: Reader
) -> tuple[str, bool]:
    entry = node.entries.get("name")
    where = node.where if entry is None else entry.value.where
    name: str | None = None
    is_sound = True
    if entry is not None:
        try:
            name = fields_of(LayerSpec)["name"].read(entry.value)
        except FieldError as error:
            reader.diagnostics.add(f"name {error}", error.where, error.hint)
            # kept as far as it is text, so that inputs that name it are not errors as well
            name = entry.value.text if isinstance(entry.value, Scalar) else None
            is_sound = False
    is_default = name is None
    name = name or default_name
    if name in taken and is_sound:
        line = taken[name].line
        if is_default:
            message = f"the default name '{name}' is already taken by the layer in line {line}"
            reader.error(message, where, "Give this layer a name of its own.")
        else:
            reader.error(f"the name '{name}' is already taken by the layer in line {line}", where)
        is_sound = False
    taken.setdefault(name, where)
    return name, is_sound


def _read_item(item: _Item, inputs: _Inputs, reader: Reader) -> LayerSpec:
    entries = item.node.entries
    common = {key: entry for key, entry in entries.items() if key == "trainable"}
    settings = reader.settings(LayerSpec, common, item.node.where, item.context)
    layer = _read_layer(item, reader)
    is_sound = item.is_sound and inputs.is_sound
    return LayerSpec(
        name=item.name,
        type=item.type,
        layer=layer if is_sound else None,
        inputs=inputs.names,
        trainable=settings.get("trainable", True),
        where=item.node.where,
        key_where={key: entry.key_where for key, entry in entries.items()},
    )


def _read_layer(item: _Item, reader: Reader) -> Layer | None:
    if item.type not in LAYERS:
        return None
    entries = item.node.entries
    cls: type[Layer] = LAYERS[item.type]
    known = (*_COMMON_KEYS, *fields_of(cls))
    is_wrong = reader.unknown_keys(entries, known, item.context)
    values: dict[str, Any] | None = reader.options(cls, entries, item.node.where, item.context)
    return None if is_wrong or values is None else cls(**values)


@dataclass(frozen=True)
class _Inputs:
    """The names that a layer takes its inputs from; None for the item before it."""

    names: tuple[str, ...] | None
    is_sound: bool


class _InputReader:
    """Resolves `input` and `inputs`; a layer may name the layers before it and `input`."""

    def __init__(self, items: list[_Item], reader: Reader) -> None:
        self._items = items
        self._reader = reader
        self._earlier: dict[str, None] = {NETWORK_INPUT: None}
        self._lines = {item.name: item.node.where.line for item in items}

    def read_all(self) -> list[_Inputs]:
        """The inputs of every item, in order."""
        found = []
        for item in self._items:
            found.append(self._read(item))
            self._earlier[item.name] = None
        return found

    def _read(self, item: _Item) -> _Inputs:
        entries = item.node.entries
        wanted = LAYERS[item.type].input_count if item.type in LAYERS else None
        if "input" in entries and "inputs" in entries:
            where = entries["inputs"].key_where
            self._reader.error(f"{item.context}input and inputs are both given", where)
            return _Inputs(None, False)
        nodes = self._named(item, entries)
        if nodes is None:
            return _Inputs(None, False)
        if not nodes:
            if wanted is None or wanted == 1:
                return _Inputs(None, True)
            names = ", ".join(f"<layer {i}>" for i in range(1, wanted + 1))
            self._reader.error(f"{item.context}it takes {wanted} inputs", item.node.where,
                               f"Write inputs: [{names}].")  # fmt: skip
            return _Inputs(None, False)
        found = [self._resolve(item, node) for node in nodes[:_MAX_INPUTS]]
        sources = tuple(name for name in found if name is not None)
        if wanted is not None and len(nodes) != wanted:
            where = entries["inputs" if "inputs" in entries else "input"].value.where
            count = "1 input" if wanted == 1 else f"{wanted} inputs"
            self._reader.error(f"{item.context}it takes {count}, not {len(nodes)}", where)
            return _Inputs(sources, False)
        return _Inputs(sources, len(sources) == len(nodes))

    def _named(self, item: _Item, entries: Mapping[str, Entry]) -> tuple[Node, ...] | None:
        if "input" in entries:
            return (entries["input"].value,)
        if "inputs" not in entries:
            return ()
        node = entries["inputs"].value
        if isinstance(node, ListNode) and node.items:
            return node.items
        message = f"{item.context}inputs takes a list of layer names, not {show(node)}"
        self._reader.error(message, node.where)
        return None

    def _resolve(self, item: _Item, node: Node) -> str | None:
        name = node.value if isinstance(node, Scalar) else None
        if not isinstance(name, str):
            message = f"{item.context}an input is the name of a layer, not {show(node)}"
            self._reader.error(message, node.where)
            return None
        if name in self._earlier:
            return name
        shown = shorten(name)
        if name == item.name:
            self._reader.error(f"{item.context}the layer is its own input", node.where)
        elif name in self._lines:
            message = f"{item.context}the input '{shown}' comes later, in line {self._lines[name]}"
            hint = "A layer takes its inputs from the layers before it."
            self._reader.error(message, node.where, hint)
        else:
            hint = did_you_mean(name, self._earlier) or "Name a layer before it, or input."
            message = f"{item.context}there is no layer '{shown}'"
            self._reader.error(message, node.where, hint)
        return None
