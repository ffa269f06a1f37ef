"""Losses against PyTorch, and the same bits on every run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kernels.cases import (
    CORES,
    Case,
    assert_close,
    kernels_for,
    layer_cases,
    node_of,
    run_step,
)
from tests.kernels.harness import Array, Harness
from trainlib_deployer.ir.dtype import DType
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.losses import LOSSES
from trainlib_deployer.losses.base import Loss
from trainlib_deployer.losses.cross_entropy import CrossEntropy
from trainlib_deployer.losses.mse import Mse

SHARED = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
REDUCTIONS = st.sampled_from(["mean", "sum"])
RANDOM_LOSSES = {
    "cross_entropy": st.builds(
        CrossEntropy,
        reduction=REDUCTIONS,
        label_smoothing=st.sampled_from([0.0, 0.0, 0.1, 1.0]),
    ),
    "mse": st.builds(Mse, reduction=REDUCTIONS),
}


def test_every_loss_is_tested_here() -> None:
    assert set(RANDOM_LOSSES) == set(LOSSES)


def run_loss(
    harness: Harness, loss: Loss, x: Array, target: Array, cores: int
) -> tuple[Array, Array, Array, Array]:
    """Device loss and gradient, then PyTorch's in double."""
    output = Tensor("y", Kind.ACTIVATION, x.shape)
    kind = DType.I32 if target.dtype == np.int32 else DType.F32
    wanted = Tensor("target", Kind.TARGET, target.shape, kind)
    value, dx = Tensor("loss", Kind.LOSS, (1,)), Tensor("y.grad", Kind.INPUT_GRAD, x.shape)
    values = {"y": x, "target": target}
    for step in (loss.forward(output, wanted, value), loss.backward(output, wanted, dx)):
        (kernel,) = kernels_for(step)
        run_step(harness, step, kernel, cores, values)
    golden = torch.from_numpy(x).double().requires_grad_()
    goal = torch.from_numpy(target)
    goal = goal.double() if kind is DType.F32 else goal.long()
    result = eval(loss.torch_call("y", "t"), {"F": F, "y": golden, "t": goal})
    result.backward()
    assert golden.grad is not None
    return values["loss"], values["y.grad"], result.detach().numpy(), golden.grad.numpy()


@pytest.mark.parametrize("name", list(LOSSES))
def test_a_loss_agrees_with_pytorch(name: str, harness: Harness) -> None:
    @SHARED
    @given(
        loss=RANDOM_LOSSES[name],
        batch=st.integers(1, 5),
        count=st.integers(1, 40),
        scale=st.sampled_from([1e-3, 1.0, 8.0]),
        seed=st.integers(0, 2**31),
        cores=CORES,
    )
    def check(loss: Loss, batch: int, count: int, scale: float, seed: int, cores: int) -> None:
        random = np.random.default_rng(seed)
        x = (random.standard_normal((batch, count)) * scale).astype(np.float32)
        spec = loss.target((count,))
        target: Array = random.standard_normal((batch, *spec.shape)).astype(np.float32)
        if spec.classes:
            target = random.integers(0, spec.classes, batch).astype(np.int32)
        value, dx, golden, golden_dx = run_loss(harness, loss, x, target, cores)
        assert_close(value, golden.reshape(1), batch * count, "loss")
        # the logits' own rounding, taken through the exponential
        terms = count * max(1, int(scale * scale))
        # smoothed probabilities cancel against the smoothed target
        floor = getattr(loss, "label_smoothing", 0.0) / count
        assert_close(dx, golden_dx, terms, "gradient", floor)

    check()


@pytest.mark.parametrize("logits", [[60.0, 0.0, -40.0], [0.0, 104.0, -104.0], [1e4, -1e4, 0.0]])
def test_cross_entropy_stays_finite_and_precise_when_it_is_sure(
    logits: list[float], harness: Harness
) -> None:
    x = np.array([logits], np.float32)
    for label in range(3):
        target = np.array([label], np.int32)
        value, dx, golden, golden_dx = run_loss(harness, CrossEntropy(), x, target, 4)
        # below 1e-15, PyTorch's 1 + x and p - 1 have no more digits, even in double
        np.testing.assert_allclose(value[0], golden, rtol=1e-5, atol=1e-15)
        np.testing.assert_allclose(dx, golden_dx, rtol=1e-5, atol=1e-15)


@settings(SHARED, max_examples=60)
@given(case=st.one_of([layer_cases("conv2d"), layer_cases("linear")]))
def test_results_do_not_depend_on_the_run_nor_on_the_team(
    case: Case, plain_harness: Harness
) -> None:
    node = node_of(case)
    random = np.random.default_rng(case.seed)
    tensors = (*node.inputs, *node.parameters.values())
    start: dict[str, Array] = {
        t.name: random.standard_normal(t.shape).astype(np.float32) for t in tensors
    }
    (step,) = case.layer.forward(node)
    for kernel in kernels_for(step):
        results = []
        for cores in (case.cores, case.cores, 1):
            values = dict(start)
            run_step(plain_harness, step, kernel, cores, values)
            results.append(values["tested"].tobytes())
        assert results[0] == results[1]
