"""C identifiers for tensors and Steps: `<layer>_<what>`, unique, the same on every run."""

from __future__ import annotations

from trainlib_deployer.ir.tensor import Kind, Tensor

_FIXED = {Kind.INPUT: "input_x", Kind.TARGET: "target_t", Kind.LOSS: "loss_value"}


class Names:
    """Hands out identifiers; the second asker for a taken one gets a number behind it."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._given: dict[tuple[str, str], str] = {}

    def tensor(self, tensor: Tensor) -> str:
        """`c1_y`, `c1_dy`, `c1_weight`, `c1_dweight`."""
        return self._give(("tensor", tensor.name), _tensor_words(tensor))

    def local(self, step: str, tensor: Tensor) -> str:
        """The L1 copy of a tensor for one Step: `l1_c1_fw_weight`."""
        words = f"l1_{step.replace('.', '_')}_{_tensor_words(tensor).rsplit('_', 1)[1]}"
        return self._give((step, tensor.name), words)

    def step(self, step: str) -> str:
        """The Step's shape constant: `c1_fw`."""
        return self._give(("step", step), step.replace(".", "_"))

    def _give(self, key: tuple[str, str], wanted: str) -> str:
        if key not in self._given:
            name, number = wanted, 2
            while name in self._taken:
                name, number = f"{wanted}_{number}", number + 1
            self._taken.add(name)
            self._given[key] = name
        return self._given[key]


def _tensor_words(tensor: Tensor) -> str:
    if tensor.kind in _FIXED:
        return _FIXED[tensor.kind]
    layer, _, rest = tensor.name.partition(".")
    parameter = rest.removesuffix("grad").removesuffix(".")
    prefix = "d" if rest.endswith("grad") else ""
    return f"{layer}_{prefix}{(parameter or 'y').replace('_', '')}"
