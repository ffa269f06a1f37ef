"""Keys that take several values: kernel sizes, padding, shapes, patterns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainlib_deployer.spec.field import (
    Field,
    FieldError,
    IntegerField,
    NumberField,
    Schema,
    refused,
    scalar_value,
)
from trainlib_deployer.spec.nodes import ListNode, Node


@dataclass(frozen=True, kw_only=True)
class RowField(IntegerField):
    """An integer, or a list of as many integers as one of the `forms` names."""

    forms: tuple[tuple[str, ...], ...]

    def parse(self, node: Node) -> Any:
        items = node.items if isinstance(node, ListNode) else (node,)
        values = [scalar_value(item) for item in items]
        whole = [v for v in values if isinstance(v, int) and not isinstance(v, bool)]
        lengths = {len(form) for form in self.forms}
        right_length = not isinstance(node, ListNode) or len(values) in lengths
        if right_length and len(whole) == len(values) and all(map(self.allows, whole)):
            return self.spread(whole)
        forms = " or ".join(f"[{', '.join(form)}]" for form in self.forms)
        comma = "," if len(self.forms) > 1 else " or"
        limits = self.takes("").strip()
        raise refused(f"an integer{comma} {forms} ({limits})", node)

    def spread(self, values: Sequence[int]) -> tuple[int, ...]:
        """One integer stands for all, [h, w] for [h, h, w, w]."""
        size = max(len(form) for form in self.forms)
        each = size // len(values)
        return tuple(value for value in values for _ in range(each))

    def value_schema(self) -> Schema:
        item = super().value_schema()
        rows = [
            {"type": "array", "items": item, "minItems": len(form), "maxItems": len(form)}
            for form in self.forms
        ]
        return {"anyOf": [item, *rows]}


@dataclass(frozen=True, kw_only=True)
class IntegersField(IntegerField):
    """A list of integers, such as a shape."""

    min_items: int = 1
    max_items: int | None = None

    def parse(self, node: Node) -> Any:
        items = node.items if isinstance(node, ListNode) else ()
        values = [scalar_value(item) for item in items]
        whole = [v for v in values if isinstance(v, int) and not isinstance(v, bool)]
        right_length = self.min_items <= len(items) <= (self.max_items or len(items))
        if (
            isinstance(node, ListNode)
            and right_length
            and len(whole) == len(values)
            and all(map(self.allows, whole))
        ):
            return tuple(whole)
        most = "or more" if self.max_items is None else f"to {self.max_items}"
        raise refused(self.takes(f"a list of {self.min_items} {most} integers"), node)

    def value_schema(self) -> Schema:
        most = {} if self.max_items is None else {"maxItems": self.max_items}
        item = super().value_schema()
        return {"type": "array", "items": item, "minItems": self.min_items, **most}


@dataclass(frozen=True, kw_only=True)
class NumbersField(NumberField):
    """A list of so many numbers."""

    count: int

    def parse(self, node: Node) -> Any:
        items = node.items if isinstance(node, ListNode) else ()
        try:
            values = tuple(super(NumbersField, self).parse(item) for item in items)
        except FieldError:
            values = ()
        if len(values) != self.count:
            takes = self._takes().replace("a finite number", "finite numbers")
            raise refused(f"a list of {self.count} {takes}", node)
        return values

    def value_schema(self) -> Schema:
        item = super().value_schema()
        return {"type": "array", "items": item, "minItems": self.count, "maxItems": self.count}


@dataclass(frozen=True, kw_only=True)
class PatternsField(Field):
    """A name or pattern, or a list of them."""

    def parse(self, node: Node) -> Any:
        items = node.items if isinstance(node, ListNode) else (node,)
        values = [scalar_value(item) for item in items]
        words = tuple(value for value in values if isinstance(value, str) and value)
        if not words or len(words) < len(values):
            raise refused("a name, a pattern such as 'c*', or a list of them", node)
        return words

    def value_schema(self) -> Schema:
        word = {"type": "string", "minLength": 1}
        return {"anyOf": [word, {"type": "array", "items": word, "minItems": 1}]}
