"""Keys that take sizes in bytes, and paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trainlib_deployer.spec.field import Field, Schema, refused, scalar_value
from trainlib_deployer.spec.nodes import MapNode, Node, Scalar
from trainlib_deployer.spec.sizes import MAX_BYTES, SIZE_PATTERN, SizeError, parse_size
from trainlib_deployer.spec.suggest import did_you_mean


@dataclass(frozen=True, kw_only=True)
class SizeField(Field):
    """A number of bytes: 65536, 64k, 64KiB, 1.5M."""

    allow_zero: bool = False

    def parse(self, node: Node) -> int:
        value = scalar_value(node)
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise refused("a size such as 64k, 1.5M or 65536", node)
        try:
            return parse_size(value, allow_zero=self.allow_zero)
        except SizeError as error:
            raise refused(str(error), node) from None

    def value_schema(self) -> Schema:
        low = 0 if self.allow_zero else 1
        return {
            "anyOf": [
                {"type": "integer", "minimum": low, "maximum": MAX_BYTES},
                {"type": "string", "pattern": SIZE_PATTERN},
            ]
        }


@dataclass(frozen=True, kw_only=True)
class SizesField(SizeField):
    """A mapping of some of `names` to sizes."""

    names: tuple[str, ...]

    def parse(self, node: Node) -> Any:
        if not isinstance(node, MapNode):
            raise refused(f"a mapping of {', '.join(self.names)} to sizes", node)
        for name, entry in node.entries.items():
            if name not in self.names:
                unknown = Scalar(entry.key_where, name, name)
                hint = did_you_mean(name, self.names)
                raise refused(f"the keys {', '.join(self.names)}", unknown, hint)
        size = SizeField(allow_zero=self.allow_zero)
        return {name: size.parse(entry.value) for name, entry in node.entries.items()}

    def value_schema(self) -> Schema:
        size = super().value_schema()
        properties = dict.fromkeys(self.names, size)
        return {"type": "object", "properties": properties, "additionalProperties": False}


@dataclass(frozen=True, kw_only=True)
class PathField(Field):
    """The path of a file, relative to the spec."""

    def parse(self, node: Node) -> str:
        value = scalar_value(node)
        if isinstance(value, str) and value and "\0" not in value:
            return value
        raise refused("the path of a file", node)

    def value_schema(self) -> Schema:
        return {"type": "string", "minLength": 1}
