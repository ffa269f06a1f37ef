"""The kernels that clip gradients, against torch.nn.utils."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.cases import CORES, assert_close, kernels_for, run_step
from tests.kernels.harness import Array, Harness
from tests.kernels.test_losses import SHARED
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.training.clipping import Clipping, Gradient, clipped

LIMITS = st.sampled_from([1e-6, 0.1, 1.0, 30.0, 1e6])


def device_clip(
    harness: Harness, clipping: Clipping, gradients: list[Array], cores: int
) -> list[Array]:
    """The gradients after all Steps of the clipping."""
    names = [
        Gradient("l", Tensor(f"w{i}.grad", Kind.WEIGHT_GRAD, g.shape))
        for i, g in enumerate(gradients)
    ]
    before, clips = clipped(clipping, names)
    values = {name.tensor.name: g for name, g in zip(names, gradients, strict=True)}
    for step in (*before, *clips.values()):
        (kernel,) = kernels_for(step)
        run_step(harness, step, kernel, cores, values)
        if step.op == "square_sums":
            # rows of one tensor
            part = step.writes[0]
            whole = values.setdefault(part.root.name, np.zeros(part.root.shape, np.float32))
            whole.reshape(-1)[part.view_offset :][: part.count] = values[part.name]
    return [values[name.tensor.name] for name in names]


def golden_clip(clipping: Clipping, gradients: list[Array], kind: torch.dtype) -> list[Array]:
    parameters = [torch.zeros(g.shape, dtype=kind) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.from_numpy(gradient.copy()).to(kind)
    eval(clipping.torch_call, {"torch": torch, "parameters": parameters})
    return [p.grad.numpy() for p in parameters if p.grad is not None]


@pytest.mark.parametrize("by", ["value", "norm"])
def test_gradients_are_clipped_as_in_pytorch(by: str, harness: Harness) -> None:
    @settings(SHARED, max_examples=60)
    @given(
        counts=st.lists(st.integers(1, 90), min_size=1, max_size=5),
        limit=LIMITS,
        scale=st.sampled_from([0.0, 1e-6, 1.0, 1e4]),
        seed=st.integers(0, 2**31),
        cores=CORES,
    )
    def check(counts: list[int], limit: float, scale: float, seed: int, cores: int) -> None:
        random = np.random.default_rng(seed)
        made = [(random.standard_normal(n) * scale).astype(np.float32) for n in counts]
        clipping = Clipping(by, limit)
        found = device_clip(harness, clipping, made, cores)
        for got, wanted in zip(found, golden_clip(clipping, made, torch.float64), strict=True):
            assert_close(got, wanted, 1 + sum(counts), by)
        # the sums do not depend on the team
        for got, alone in zip(found, device_clip(harness, clipping, made, 1), strict=True):
            np.testing.assert_array_equal(got, alone)

    check()


@pytest.mark.parametrize("by", ["value", "norm"])
def test_what_is_not_finite_is_clipped_as_in_pytorch(by: str, harness: Harness) -> None:
    made = [np.array([np.nan, 1, -3], np.float32), np.array([np.inf, -np.inf, 5], np.float32)]
    for gradients in (made, made[:1], made[1:]):
        found = device_clip(harness, Clipping(by, 2.0), gradients, 4)
        golden = golden_clip(Clipping(by, 2.0), gradients, torch.float32)
        for got, wanted in zip(found, golden, strict=True):
            np.testing.assert_array_equal(got, wanted)
