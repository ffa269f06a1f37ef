"""C literals, and identifiers for tensors and Steps: `<layer>_<what>`, unique and stable."""

from __future__ import annotations

import re

from trainlib_deployer.ir.tensor import Kind, Tensor, whole_name

_FIXED = {Kind.INPUT: "input_x", Kind.TARGET: "target_t", Kind.LOSS: "loss_value"}


def c_number(value: int | float) -> str:
    """A C literal; floats as f32."""
    return f"{value!r}f" if isinstance(value, float) else str(value)


class Names:
    """Hands out identifiers; the second asker for a taken one gets a number behind it."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._given: dict[tuple[str, ...], str] = {}

    def tensor(self, tensor: Tensor) -> str:
        """`c1_y`, `c1_dy`, `c1_weight`, `c1_dweight`, `c1_weight_expavg`."""
        whole = whole_name(tensor.name)
        words = _tensor_words(whole, tensor.kind) + tensor.name.removeprefix(whole)
        return self._give(("tensor", tensor.name), _words(words))

    def local(self, step: str, level: str, tensor: Tensor) -> str:
        """The copy of a tensor for one Step: `l1_c1_fw_weight`."""
        what = _tensor_words(whole_name(tensor.name), tensor.kind).rsplit("_", 1)[1]
        return self._give((level, step, tensor.name), _words(f"{level}_{step}_{what}"))

    def step(self, step: str) -> str:
        """The Step's shape constant: `c1_fw`."""
        return self._give(("step", step), _words(step))

    def _give(self, key: tuple[str, ...], wanted: str) -> str:
        if key not in self._given:
            name, number = wanted, 2
            while name in self._taken:
                name, number = f"{wanted}_{number}", number + 1
            self._taken.add(name)
            self._given[key] = name
        return self._given[key]


def _words(name: str) -> str:
    """`c1.wg[0:8]` → `c1_wg_0_8`, `c1.fw@again` → `c1_fw_again`."""
    return re.sub(r"[.\[:@]", "_", name).replace("]", "")


def _tensor_words(name: str, kind: Kind) -> str:
    if kind in _FIXED:
        return _FIXED[kind]
    layer, _, rest = name.partition(".")
    parameter = rest.removesuffix("grad").removesuffix(".")
    prefix = "d" if rest.endswith("grad") else ""
    return f"{layer}_{prefix}{(parameter or 'y').replace('_', '')}"
