"""Names that become C identifiers and attributes of a PyTorch module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from trainlib_deployer.spec.field import Field, FieldError, Schema, scalar_value
from trainlib_deployer.spec.nodes import Node, show

MAX_NAME_CHARACTERS = 60
_NAME = re.compile("[a-z][a-z0-9_]*")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# C11 with the macros of its headers and of the compilers' gnu modes
_C_WORDS = _words(
    """
    auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch
    typedef union unsigned void volatile while alignas alignof asm bool complex false
    imaginary linux noreturn static_assert thread_local true typeof unix
    """
)
_PYTHON_WORDS = _words(
    """
    and as assert async await break class continue def del elif else except finally for from
    global if import in is lambda nonlocal not or pass raise return try while with yield
    """
)
# dir(torch.nn.Module()): golden.py names its modules as the spec does
_MODULE_ATTRIBUTES = _words(
    """
    add_module apply bfloat16 buffers call_super_init children compile cpu cuda double
    dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter
    get_submodule half ipu load_state_dict modules mtia named_buffers named_children
    named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    set_extra_state set_submodule share_memory state_dict to to_empty train training type
    xpu zero_grad
    """
)
_TENSORS = frozenset(("input", "target", "loss"))


@dataclass(frozen=True, kw_only=True)
class NameField(Field):
    """A name of ours; `is_layer` where it must also be free in a PyTorch module."""

    is_layer: bool = False

    def parse(self, node: Node) -> Any:
        name = scalar_value(node)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            hint = _nearest_name(name) if isinstance(name, str) else None
            raise FieldError(f"{show(node)} does not match {_NAME.pattern}", node.where, hint)
        if len(name) > MAX_NAME_CHARACTERS:
            limit = f"has {len(name)} characters; the limit is {MAX_NAME_CHARACTERS}"
            raise FieldError(f"{show(node)} {limit}", node.where)
        reason = self._reserved(name)
        if reason:
            raise FieldError(f"{show(node)} is {reason}", node.where, f"Try '{name}1'.")
        return name

    def _reserved(self, name: str) -> str | None:
        if name in _C_WORDS:
            return "a word of C"
        if name in _PYTHON_WORDS:
            return "a word of Python"
        if self.is_layer and name in _TENSORS:
            return "the name of a tensor that every network has"
        if self.is_layer and name in _MODULE_ATTRIBUTES:
            return "an attribute of every torch.nn.Module"
        return None

    def value_schema(self) -> Schema:
        layer = _TENSORS | _MODULE_ATTRIBUTES if self.is_layer else frozenset[str]()
        reserved = sorted(_C_WORDS | _PYTHON_WORDS | layer)
        return {
            "type": "string",
            "pattern": f"^{_NAME.pattern}$",
            "maxLength": MAX_NAME_CHARACTERS,
            "not": {"enum": reserved},
        }


def _nearest_name(text: str) -> str | None:
    plain = re.sub("[^a-z0-9_]+", "_", text[:MAX_NAME_CHARACTERS].lower()).strip("_")
    return f"Try '{plain}'." if _NAME.fullmatch(plain) else None
