"""Field factories: a class declares key, type, limits and default of an option in one line.

    groups: int = integer(default=1, minimum=1, help="...")

The default is given as YAML would write it; None makes a key optional. The dataclass field
carries its Field, by which the key is read and its JSON Schema is made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from trainlib_deployer.spec.field import (
    MAX_INTEGER,
    REQUIRED,
    BooleanField,
    ChoiceField,
    Field,
    IntegerField,
    NumberField,
)
from trainlib_deployer.spec.field_rows import IntegersField, NumbersField, PatternsField, RowField
from trainlib_deployer.spec.field_sizes import PathField, SizeField, SizesField
from trainlib_deployer.spec.names import NameField

_METADATA_KEY = "field"
_PAIR = (("h", "w"),)
_PADDING = (("h", "w"), ("top", "bottom", "left", "right"))


def fields_of(cls: type) -> Mapping[str, Field]:
    """The keys that a class declares, by name."""
    return {
        (item.metadata[_METADATA_KEY].key or item.name): item.metadata[_METADATA_KEY]
        for item in dataclasses.fields(cls)
        if _METADATA_KEY in item.metadata
    }


def attributes_of(cls: type) -> Mapping[str, str]:
    """The attribute that holds each key's value."""
    return {
        (item.metadata[_METADATA_KEY].key or item.name): item.name
        for item in dataclasses.fields(cls)
        if _METADATA_KEY in item.metadata
    }


def integer(
    *,
    default: Any = REQUIRED,
    minimum: int | None = None,
    maximum: int | None = None,
    help: str = "",
) -> Any:
    """An integer of at most `maximum`, or 2**31 - 1 where none is given."""
    most = MAX_INTEGER if maximum is None else maximum
    return _declare(IntegerField(default=default, minimum=minimum, maximum=most, help=help))


def number(
    *,
    default: Any = REQUIRED,
    minimum: float | None = None,
    maximum: float | None = None,
    exclusive_minimum: float | None = None,
    help: str = "",
) -> Any:
    """A finite number; integers are taken too."""
    return _declare(
        NumberField(
            default=default,
            minimum=minimum,
            maximum=maximum,
            exclusive_minimum=exclusive_minimum,
            help=help,
        )
    )


def numbers(
    count: int,
    *,
    default: Any = REQUIRED,
    minimum: float | None = None,
    below: float | None = None,
    help: str = "",
) -> Any:
    """A list of so many finite numbers, as a tuple."""
    return _declare(
        NumbersField(count=count, default=default, minimum=minimum, below=below, help=help)
    )


def boolean(*, default: Any = REQUIRED, help: str = "") -> Any:
    """true or false."""
    return _declare(BooleanField(default=default, help=help))


def choice(options: Sequence[str], *, default: Any = REQUIRED, help: str = "") -> Any:
    """One of a few words."""
    return _declare(ChoiceField(options=tuple(options), default=default, help=help))


def pair(
    *,
    default: Any = REQUIRED,
    minimum: int | None = None,
    maximum: int | None = None,
    help: str = "",
) -> Any:
    """An integer or [h, w], as (h, w)."""
    return _row(_PAIR, default, minimum, maximum, help)


def padding(*, default: Any = REQUIRED, help: str = "") -> Any:
    """An integer, [h, w] or [top, bottom, left, right], as (top, bottom, left, right)."""
    return _row(_PADDING, default, 0, None, help)


def integers(
    *,
    default: Any = REQUIRED,
    min_items: int = 1,
    max_items: int | None = None,
    minimum: int | None = None,
    maximum: int | None = None,
    help: str = "",
) -> Any:
    """A list of integers, as a tuple."""
    return _declare(
        IntegersField(
            default=tuple(default) if isinstance(default, list) else default,
            min_items=min_items,
            max_items=max_items,
            minimum=minimum,
            maximum=MAX_INTEGER if maximum is None else maximum,
            help=help,
        )
    )


def size(
    *,
    default: Any = REQUIRED,
    allow_zero: bool = False,
    help: str = "",
    key: str | None = None,
) -> Any:
    """A number of bytes, such as 64k."""
    return _declare(SizeField(default=default, allow_zero=allow_zero, help=help, key=key))


def sizes(names: Sequence[str], *, default: Any = REQUIRED, help: str = "") -> Any:
    """A mapping of some of `names` to sizes, zero included."""
    return _declare(SizesField(names=tuple(names), default=default, allow_zero=True, help=help))


def patterns(*, default: Any = REQUIRED, help: str = "") -> Any:
    """A name or pattern, or a list of them, as a tuple."""
    return _declare(PatternsField(default=default, help=help))


def path(*, default: Any = REQUIRED, help: str = "") -> Any:
    """The path of a file, relative to the spec."""
    return _declare(PathField(default=default, help=help))


def name(*, default: Any = REQUIRED, is_layer: bool = False, help: str = "") -> Any:
    """A name that is fit for C and Python."""
    return _declare(NameField(default=default, is_layer=is_layer, help=help))


def _row(
    forms: tuple[tuple[str, ...], ...],
    default: Any,
    minimum: int | None,
    maximum: int | None,
    help: str,
) -> Any:
    most = MAX_INTEGER if maximum is None else maximum
    field = RowField(forms=forms, minimum=minimum, maximum=most, help=help)
    if default is not REQUIRED and default is not None:
        default = field.spread([default] if isinstance(default, int) else list(default))
    return _declare(dataclasses.replace(field, default=default))


def _declare(field: Field) -> Any:
    if field.default is REQUIRED:
        return dataclasses.field(metadata={_METADATA_KEY: field})
    return dataclasses.field(default=field.default, metadata={_METADATA_KEY: field})
