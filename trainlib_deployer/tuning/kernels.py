"""The kernels of the C library, read from `kernels.def`, and the choice among them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import CodeType

from trainlib_deployer.ir.dtype import DType
from trainlib_deployer.ir.graph import Schedule
from trainlib_deployer.ir.step import Step
from trainlib_deployer.resources import templates_root
from trainlib_deployer.tiling.plan import TilePlan, tile_fields
from trainlib_deployer.tuning.costs import COSTS, cycles

_LINE = re.compile(
    r"^TL_KERNEL\((?P<function>\w+),\s*(?P<op>\w+),\s*(?P<phase>\w+),\s*(?P<element>\w+),"
    r"\s*(?P<accepts>.+?),\s*\"(?P<source>[^\"]+)\"\)\s*$"
)
_FIRST_INCLUDE = re.compile(r'#include "([^"]+)"')


@dataclass(frozen=True)
class Kernel:
    """One line of `kernels.def`; `accepts` is a condition over the members of `tl_<op>`."""

    function: str
    op: str
    phase: str
    element: str
    accepts: str
    source: str

    @property
    def header(self) -> str:
        """The header that declares it, as its source includes it first."""
        text = (templates_root() / "lib" / self.source).read_text(encoding="utf-8")
        match = _FIRST_INCLUDE.search(text)
        assert match, f"{self.source} includes no header"
        return str(match[1])

    def takes(self, fields: Mapping[str, int | float]) -> bool:
        """Whether the kernel accepts this shape."""
        return bool(eval(_compiled(self.accepts), {"__builtins__": {}}, dict(fields)))


@cache
def _compiled(condition: str) -> CodeType:
    """A condition of kernels.def, our own file."""
    return compile(condition, "kernels.def", "eval")


@cache
def all_kernels() -> tuple[Kernel, ...]:
    """Every kernel, in the order of the file."""
    text = (templates_root() / "lib" / "kernels.def").read_text(encoding="utf-8")
    matches = (_LINE.match(line) for line in text.splitlines() if line.startswith("TL_KERNEL("))
    return tuple(Kernel(**match.groupdict()) for match in matches if match)


def choose_kernels(
    schedule: Schedule, tiles: Mapping[str, TilePlan], cores: int
) -> dict[str, Kernel]:
    """The kernel of each Step, by the Step's name: the fastest that accepts all of its tiles."""
    chosen = {}
    for step in schedule.steps:
        fields = [tile_fields(step, tile, False) for _, tile in tiles[step.name].kinds()]
        chosen[step.name] = choose_kernel(step, fields, cores)
    return chosen


def choose_kernel(step: Step, fields: Sequence[Mapping[str, int | float]], cores: int) -> Kernel:
    """By the cost model, of those that accept all these shapes; kernels without a formula come
    last, in the order of kernels.def."""
    kernels = kernels_that_take(step, fields)
    if not kernels:
        wanted = f"{step.op} {step.phase.value} of {step.name}"
        raise LookupError(f"no kernel in kernels.def for {wanted}")

    def predicted(kernel: Kernel) -> float:
        known = kernel.function in COSTS
        return cycles(kernel.function, fields[0], cores) if known else math.inf

    return min(kernels, key=predicted)


def kernels_that_take(
    step: Step, fields: Sequence[Mapping[str, int | float]]
) -> tuple[Kernel, ...]:
    """All variants that accept these shapes, in the order of kernels.def."""
    wanted = (step.op, step.phase.value, _element(step))
    return tuple(
        kernel
        for kernel in all_kernels()
        if (kernel.op, kernel.phase, kernel.element) == wanted and all(map(kernel.takes, fields))
    )


def _element(step: Step) -> str:
    """The element type of the floating-point operands."""
    dtype: DType = next(t.dtype for t in step.tensors if t.dtype is not DType.I32)
    return str(dtype.value)
