"""Weight gradients that scale, decay and accumulate: on the weights themselves, an SGD update."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kernels.cases import (
    Case,
    assert_close,
    kernels_for,
    layer_cases,
    node_of,
    run_step,
    torch_results,
)
from tests.kernels.harness import Array, Harness
from trainlib_deployer.ir.step import Access, Phase
from trainlib_deployer.ir.tensor import Kind, Shape, Tensor
from trainlib_deployer.layers.base import Gradients

FACTORS = st.sampled_from([1.0, -0.01, 0.999, 0.0, 2.5])


@pytest.mark.parametrize("name", ["conv2d", "linear"])
def test_a_weight_gradient_scales_its_sum_and_decays_what_is_there(
    name: str, harness: Harness
) -> None:
    @settings(
        max_examples=80,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(case=layer_cases(name), factors=st.tuples(FACTORS, FACTORS, FACTORS))
    def check(case: Case, factors: tuple[float, float, float]) -> None:
        check_weight_gradient(harness, case, *factors)

    check()


def check_weight_gradient(
    harness: Harness, case: Case, scale: float, decay: float, bias_decay: float
) -> None:
    """`dw = scale * sum + decay * dw` where the case accumulates, else `scale * sum`."""
    node = node_of(case)
    random = np.random.default_rng(case.seed)

    def noise(shape: Shape) -> Array:
        return random.standard_normal(shape).astype(np.float32)

    values: dict[str, Array] = {t.name: noise(t.shape) for t in node.inputs}
    values |= {p.name: noise(p.shape) for p in node.parameters.values()}
    values["tested.grad"] = noise(node.output.shape)
    sums = torch_results(node, values)
    dparams = {
        name: Tensor(f"{p.name}.grad", Kind.WEIGHT_GRAD, p.shape)
        for name, p in node.parameters.items()
    }
    old = {t.name: noise(t.shape) for t in dparams.values()}
    dy = Tensor("tested.grad", Kind.INPUT_GRAD, node.output.shape)
    (step,) = case.layer.backward(node, Gradients(dy, (None,), (False,), dparams))
    assert step.phase is Phase.WG
    access = Access.UPDATE if case.accumulate else Access.WRITE
    members = {"scale": scale, "decay": decay, "bias_decay": bias_decay}
    step = replace(
        step,
        fields={**step.fields, "accumulate": int(case.accumulate), **members},
        operands=tuple(replace(o, access=access) if o.access.writes else o for o in step.operands),
    )
    for kernel in kernels_for(step):
        after = {**values, **old}
        run_step(harness, step, kernel, case.cores, after)
        for name, tensor in dparams.items():
            kept = (bias_decay if name == "bias" else decay) * old[tensor.name]
            wanted = scale * sums[tensor.name] + (kept if case.accumulate else 0.0)
            # the sum's own error stays where what is kept cancels it
            size = float(np.abs(scale * sums[tensor.name]).max(initial=0.0))
            assert_close(after[tensor.name], wanted, step.reduction_length, kernel.function, size)
