"""The list `parameter_groups`: layers that are trained in a way of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from trainlib_deployer.spec.fields import fields_of
from trainlib_deployer.spec.model import GroupSpec, LayerSpec
from trainlib_deployer.spec.nodes import ListNode, Node, show
from trainlib_deployer.spec.reader import Reader
from trainlib_deployer.spec.suggest import did_you_mean

_EXAMPLE = "{layers: 'c*', lr: 0.001}"


def grouped(
    layers: tuple[LayerSpec, ...], node: Node | None, reader: Reader
) -> tuple[LayerSpec, ...]:
    """The layers, each with the first group whose patterns match its name."""
    if node is None:
        return layers
    if not isinstance(node, ListNode):
        text = f"training: parameter_groups takes a list such as [{_EXAMPLE}], not {show(node)}"
        reader.error(text, node.where)
        return layers
    groups = [_group(item, [layer.name for layer in layers], reader) for item in node.items]
    return tuple(_in_group(layer, [group for group in groups if group]) for layer in layers)


def _group(node: Node, names: Sequence[str], reader: Reader) -> GroupSpec | None:
    entries = reader.mapping(node, "training: parameter_groups", _EXAMPLE)
    if entries is None:
        return None
    context = "training: parameter_groups: "
    is_wrong = reader.unknown_keys(entries, tuple(fields_of(GroupSpec)), context)
    values = reader.options(GroupSpec, entries, node.where, context)
    if is_wrong or values is None:
        return None
    group = GroupSpec(**values)
    for pattern in group.layers:
        if not any(fnmatchcase(name, pattern) for name in names):
            where = entries["layers"].value.where
            reader.error(
                f"{context}no layer is named '{pattern}'", where, did_you_mean(pattern, names)
            )
    return group


def _in_group(layer: LayerSpec, groups: Sequence[GroupSpec]) -> LayerSpec:
    for group in groups:
        if any(fnmatchcase(layer.name, pattern) for pattern in group.layers):
            return replace(layer, group=group, trainable=layer.trainable and group.trainable)
    return layer
