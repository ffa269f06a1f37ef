"""The planner can say what every kernel costs."""

from __future__ import annotations

from trainlib_deployer.tuning.costs import COSTS
from trainlib_deployer.tuning.kernels import all_kernels


def test_every_kernel_has_a_formula_and_every_formula_a_kernel() -> None:
    assert {kernel.function for kernel in all_kernels()} == set(COSTS)
