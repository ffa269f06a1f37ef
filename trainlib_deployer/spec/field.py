"""What a key of the spec takes: how a value is read, and its JSON Schema."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final

from trainlib_deployer.errors import Location
from trainlib_deployer.spec.nodes import Node, Scalar, show
from trainlib_deployer.spec.suggest import did_you_mean

MAX_INTEGER = 2**31 - 1  # shapes are int32_t in C
_MAX_F32 = 3.4028234663852886e38
REQUIRED: Final = object()  # the default of a key that has none

Schema = dict[str, Any]


class FieldError(Exception):
    """A value that a key does not take; the text goes on after the key's name."""

    def __init__(self, message: str, where: Location, hint: str | None = None) -> None:
        super().__init__(f"{message}." if hint else message)
        self.where = where
        self.hint = hint


def refused(takes: str, node: Node, hint: str | None = None, why: str = "") -> FieldError:
    """The usual FieldError: what the key takes, and what the file says."""
    return FieldError(f"takes {takes}, not {show(node)}{why}", node.where, hint)


class OptionError(Exception):
    """Options that are right one by one, but not together; raised where their class is made."""


@dataclass(frozen=True, kw_only=True)
class Field(ABC):
    """One key of the spec. `default` is in its parsed form, REQUIRED where the key is required."""

    default: Any = REQUIRED
    help: str = ""
    key: str | None = None  # where the key is not the name of the attribute

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    def read(self, node: Node) -> Any:
        """The value of a node; FieldError where it is none."""
        if self.default is None and isinstance(node, Scalar) and node.value is None:
            return None
        return self.parse(node)

    def schema(self) -> Schema:
        """The JSON Schema of the key's value."""
        schema = self.value_schema()
        if self.default is None:
            schema = {"anyOf": [schema, {"type": "null"}]}
        if self.help:
            schema["description"] = self.help
        if self.default is not REQUIRED and self.default is not None:
            schema["default"] = _plain(self.default)
        return schema

    @abstractmethod
    def parse(self, node: Node) -> Any:
        """The value of a node that is there."""

    @abstractmethod
    def value_schema(self) -> Schema:
        """The JSON Schema, default and description left out."""


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def scalar_value(node: Node) -> object:
    """The value of a scalar, None for anything else."""
    return node.value if isinstance(node, Scalar) else None


def between(kind: str, minimum: float | None, maximum: float | None) -> str:
    """`kind` with its limits in words."""
    low, high = (int(x) if x is not None and x == int(x) else x for x in (minimum, maximum))
    if low is not None and low == high:
        return f"only {low}"
    if low is None:
        return f"{kind} of at most {high}" if high is not None else kind
    return f"{kind} of at least {low}" if high is None else f"{kind} from {low} to {high}"


@dataclass(frozen=True, kw_only=True)
class IntegerField(Field):
    """An integer within limits."""

    minimum: int | None = None
    maximum: int = MAX_INTEGER

    def parse(self, node: Node) -> Any:
        value = scalar_value(node)
        if not isinstance(value, int) or isinstance(value, bool) or not self.allows(value):
            raise refused(self.takes("an integer"), node)
        return value

    def allows(self, value: int) -> bool:
        return (self.minimum is None or value >= self.minimum) and value <= self.maximum

    def takes(self, kind: str) -> str:
        return between(kind, self.minimum, self.maximum)

    def value_schema(self) -> Schema:
        low = {} if self.minimum is None else {"minimum": self.minimum}
        return {"type": "integer", **low, "maximum": self.maximum}


@dataclass(frozen=True, kw_only=True)
class NumberField(Field):
    """A finite number that a 32-bit float can hold."""

    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    below: float | None = None

    def parse(self, node: Node) -> float:
        value = scalar_value(node)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refused(self._takes(), node, _number_hint(value))
        if math.isfinite(value) and abs(value) > _MAX_F32:
            raise refused(self._takes(), node, why=", which no 32-bit float can hold")
        if not math.isfinite(value) or not self._allows(value):
            raise refused(self._takes(), node)
        return float(value)

    def _allows(self, value: float) -> bool:
        return (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.exclusive_minimum is None or value > self.exclusive_minimum)
            and (self.below is None or value < self.below)
        )

    def _takes(self) -> str:
        if self.exclusive_minimum is not None:
            most = f" and of at most {self.maximum}" if self.maximum is not None else ""
            return f"a finite number greater than {self.exclusive_minimum}{most}"
        if self.below is not None:
            return f"{between('a finite number', self.minimum, None)} and below {self.below:g}"
        return between("a finite number", self.minimum, self.maximum)

    def value_schema(self) -> Schema:
        low = -_MAX_F32 if self.minimum is None else self.minimum
        high = _MAX_F32 if self.maximum is None else self.maximum
        schema: Schema = {"type": "number", "minimum": low, "maximum": high}
        if self.exclusive_minimum is not None:
            del schema["minimum"]
            schema["exclusiveMinimum"] = self.exclusive_minimum
        if self.below is not None:
            del schema["maximum"]
            schema["exclusiveMaximum"] = self.below
        return schema


def _number_hint(value: object) -> str | None:
    """Advice for text such as '1,5' or '1e-3 ' that was meant as a number."""
    if isinstance(value, str):
        try:
            number = float(value.replace(",", "."))
        except ValueError:
            return None
        if math.isfinite(number):
            return f"Write {number!r} without quotes."
    return None


@dataclass(frozen=True, kw_only=True)
class BooleanField(Field):
    """true or false."""

    def parse(self, node: Node) -> bool:
        value = scalar_value(node)
        if isinstance(value, bool):
            return value
        raise refused("true or false", node)

    def value_schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, kw_only=True)
class ChoiceField(Field):
    """One of a few words."""

    options: tuple[str, ...]

    def parse(self, node: Node) -> str:
        value = scalar_value(node)
        if isinstance(value, str) and value in self.options:
            return value
        hint = did_you_mean(value, self.options) if isinstance(value, str) else None
        raise refused(" or ".join(self.options), node, hint)

    def value_schema(self) -> Schema:
        return {"enum": list(self.options)}
