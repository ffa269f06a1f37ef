"""Reads a mapping by the keys that a class declares, and collects what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from trainlib_deployer.errors import Diagnostics, Location
from trainlib_deployer.registry import Registry
from trainlib_deployer.spec.field import FieldError, OptionError
from trainlib_deployer.spec.fields import attributes_of, fields_of
from trainlib_deployer.spec.nodes import Entry, MapNode, Node, Scalar, shorten, show
from trainlib_deployer.spec.suggest import did_you_mean

T = TypeVar("T")


class Reader:
    """Reads parts of a spec; errors go to `diagnostics`."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics

    def error(self, message: str, where: Location, hint: str | None = None) -> None:
        """Add an error; the hint is a sentence of its own."""
        self.diagnostics.add(f"{message}." if hint else message, where, hint)

    def mapping(self, node: Node | None, what: str, example: str) -> Mapping[str, Entry] | None:
        """The entries of a mapping; None, with an error, for anything else that is there."""
        if node is None:
            return None
        if isinstance(node, MapNode):
            return node.entries
        self.error(f"{what} takes a mapping such as {example}, not {show(node)}", node.where)
        return None

    def unknown_keys(
        self, entries: Mapping[str, Entry], known: Collection[str], context: str
    ) -> bool:
        """Report the keys that are not known; whether there were any."""
        unknown = [key for key in entries if key not in known]
        for key in unknown:
            takes = f"Known keys: {', '.join(known)}." if known else "There are no options here."
            hint = did_you_mean(key, known) or takes
            self.error(f"{context}unknown key '{shorten(key)}'", entries[key].key_where, hint)
        return bool(unknown)

    def options(
        self, cls: type, entries: Mapping[str, Entry], where: Location, context: str
    ) -> dict[str, Any] | None:
        """The declared keys' values by attribute; None where a value is wrong or missing.

        Keys that the class does not declare are the caller's.
        """
        values: dict[str, Any] = {}
        attributes = attributes_of(cls)
        is_whole = True
        for key, field in fields_of(cls).items():
            entry = entries.get(key)
            if entry is None:
                if field.required:
                    help_text = f" ({field.help})" if field.help else ""
                    self.error(f"{context}{key} is missing{help_text}", where)
                    is_whole = False
                continue
            try:
                values[attributes[key]] = field.read(entry.value)
            except FieldError as error:
                self.diagnostics.add(f"{context}{key} {error}", error.where, error.hint)
                is_whole = False
        return values if is_whole else None

    def settings(
        self, cls: type, entries: Mapping[str, Entry], where: Location, context: str
    ) -> dict[str, Any]:
        """As `options`, but a wrong value falls back to its default."""
        values: dict[str, Any] = {}
        for key, attribute in attributes_of(cls).items():
            field = fields_of(cls)[key]
            if key in entries:
                try:
                    values[attribute] = field.read(entries[key].value)
                except FieldError as error:
                    self.diagnostics.add(f"{context}{key} {error}", error.where, error.hint)
            elif field.required:
                self.error(f"{context}{key} is missing ({field.help})", where)
        return values

    def typed(self, registry: Registry[T], node: Node, what: str) -> T | None:
        """A loss, an optimizer or a schedule: its name, or a mapping of `type` and options."""
        entries: Mapping[str, Entry] = {}
        name: Node | None = node
        if isinstance(node, MapNode):
            entries = node.entries
            name = entries["type"].value if "type" in entries else None
        known = ", ".join(registry)
        if name is None:
            self.error(f"{what} has no type", node.where, f"Known: {known}.")
            return None
        if not isinstance(name, Scalar) or not isinstance(name.value, str):
            self.error(f"{what} takes a name or a mapping with a type, not {show(name)}",
                       name.where, f"Known: {known}.")  # fmt: skip
            return None
        if name.value not in registry:
            hint = did_you_mean(name.value, registry) or f"Known: {known}."
            self.error(f"unknown {what} '{shorten(name.value)}'", name.where, hint)
            return None
        cls = registry[name.value]
        context = f"{what} {name.value}: "
        is_wrong = self.unknown_keys(entries, ("type", *fields_of(cls)), context)
        values = self.options(cls, entries, node.where, context)
        if is_wrong or values is None:
            return None
        try:
            return cls(**values)
        except OptionError as error:
            self.error(f"{context}{error}", node.where)
            return None
