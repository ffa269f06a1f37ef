"""What an optimizer's file says."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from trainlib_deployer.ir.elementwise import EACH_TILE
from trainlib_deployer.ir.step import Axis, Linear, Loop, Operand, Phase, Step, along, read, write
from trainlib_deployer.ir.tensor import Tensor

# square roots of subnormal numbers, which kernels make badly, are nothing beside it
EPS_MINIMUM = 1e-12


@dataclass(frozen=True)
class Rate:
    """The C call that sets the `count` numbers that all updates of one training step share.

    `function(rate, lr, step, constants...)` of tl/rates.h; steps are counted from 1.
    """

    function: str
    count: int
    constants: tuple[float, ...] = ()


class Optimizer(ABC):
    """An optimizer; its dataclass fields are its options in the spec, named as in torch.optim."""

    type_name: ClassVar[str]
    # a gradient near 0, right within rounding, may change the parameter by a whole step
    amplifies: ClassVar[bool] = False
    # Python for golden.py, where torch.optim has no such optimizer
    torch_source: ClassVar[str] = ""

    lr: float
    weight_decay: float

    @property
    def state(self) -> tuple[str, ...]:
        """What it keeps of each parameter, in its shape: PyTorch's names; zero at the start."""
        return ()

    def rate(self, scheduled: bool) -> Rate | None:
        """What depends on the step, as the lr does where it is `scheduled`."""
        return Rate("tl_lr_rate", 1) if scheduled else None

    def with_options(self, **changed: float) -> Optimizer:
        """The same with another lr or weight_decay."""
        return dataclasses.replace(self, **changed)  # type: ignore[type-var]

    def linear(self, rate: Tensor | None) -> Linear | None:
        """Where every update is w = decay * w + scale * dw, with what this step's `rate` makes of
        that; else None."""
        return None

    @property
    @abstractmethod
    def kernel(self) -> tuple[str, Mapping[str, float]]:
        """The op of the update, and the members of its struct beside `count`."""

    @property
    def operands(self) -> tuple[str, ...]:
        """The state that the kernel takes, in its order; a null pointer for what is not kept."""
        return self.state

    def update(
        self,
        layer: str,
        weight: Tensor,
        gradient: Tensor,
        state: Mapping[str, Tensor],
        rate: Tensor | None,
    ) -> Step:
        """The Step that updates one parameter and its state in place, element by element."""
        op, fields = self.kernel
        each = along("i")
        changed = (weight, *(state.get(name) for name in self.operands))
        operands: tuple[Operand, ...] = tuple(write(t, each, accumulate=True) for t in changed)
        return Step(
            name=f"{weight.name}.{Phase.UPDATE.value}",
            layer=layer,
            phase=Phase.UPDATE,
            op=op,
            fields={"count": weight.count, **{key: float(value) for key, value in fields.items()}},
            operands=(*operands, read(gradient, each), read(rate, Axis())),
            loops=(Loop("i", weight.count),),
            macs=0,
            comment=f"{weight.count} parameters",
            cuts={"i": "count"},
            tiling=EACH_TILE,
        )

    @abstractmethod
    def torch_call(self, parameters: str) -> str:
        """The PyTorch expression of the optimizer."""


def torch_expression(
    function: str, parameters: str, options: Mapping[str, object], may_be_0: Mapping[str, object]
) -> str:
    """A call with all `options`, and those of `may_be_0` that are not 0, which is their default."""
    given = {**options, **{key: value for key, value in may_be_0.items() if value}}
    said = [f"{key}={value!r}" for key, value in given.items()]
    return f"{function}({', '.join((parameters, *said))})"
