"""Element types, under their honest names."""

from __future__ import annotations

from enum import Enum


class DType(Enum):
    """An element type; the value is the suffix in kernel names."""

    F32 = "f32"
    I32 = "i32"

    @property
    def bytes(self) -> int:
        return _BYTES[self]

    @property
    def c_name(self) -> str:
        return _C_NAMES[self]


_BYTES = {DType.F32: 4, DType.I32: 4}
_C_NAMES = {DType.F32: "float", DType.I32: "int32_t"}
