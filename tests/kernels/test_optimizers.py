"""Every optimizer of the registry against torch.optim, update by update."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.cases import CORES, assert_close
from tests.kernels.harness import Array, Harness
from tests.kernels.test_losses import SHARED
from tests.kernels.updates import device_steps, golden_step, optimizers, start_of
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.adam import Adam
from trainlib_deployer.optimizers.base import Optimizer
from trainlib_deployer.optimizers.rmsprop import RmsProp

MAGNITUDES = st.sampled_from([1e-6, 1e-3, 1.0, 1e4])
LOCAL_STEPS = 50


def noise(random: np.random.Generator, count: int, scale: float) -> Array:
    return (random.standard_normal(count) * scale).astype(np.float32)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_updates_agree_with_pytorch(name: str, harness: Harness) -> None:
    """Local steps: each starts from PyTorch's own weights and state before it."""

    @settings(SHARED, max_examples=12)
    @given(
        optimizer=optimizers(name),
        count=st.integers(1, 70),
        start=st.sampled_from([0.0, 1e-6, 1.0, 1e4]),
        scale=MAGNITUDES,
        seed=st.integers(0, 2**31),
        cores=CORES,
    )
    def check(
        optimizer: Optimizer, count: int, start: float, scale: float, seed: int, cores: int
    ) -> None:
        random = np.random.default_rng(seed)
        values = start_of(optimizer, noise(random, count, start))
        for step in range(1, LOCAL_STEPS + 1):
            values["w.grad"] = noise(random, count, scale)
            exact = golden_step(optimizer, values, step, torch.float64)
            for found in device_steps(harness, optimizer, values, step, cores):
                for key, wanted in exact.items():
                    # an old value and its change may cancel
                    parts = (values[key], wanted - values[key])
                    floor = max(float(np.abs(part).max()) for part in parts)
                    assert_close(found[key], wanted, 1, f"{key} at step {step}", floor)
            values |= golden_step(optimizer, values, step, torch.float32)

    check()


@pytest.mark.parametrize("name", list(OPTIMIZERS))
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-6, 1e4, 1e18])
@pytest.mark.parametrize("start", [0.0, 1e-6, 1e4])
def test_an_update_is_finite_where_pytorch_s_is(
    name: str, scale: float, start: float, harness: Harness
) -> None:
    """Constant gradients, zero among them, one step after the other from the device's own state."""
    optimizer = OPTIMIZERS[name]()
    more = [RmsProp(centered=True), RmsProp(centered=True, alpha=0.0)] if name == "rmsprop" else []
    for item in (optimizer, *more):
        values = start_of(item, np.full(9, start, np.float32))
        golden = dict(values)
        for step in range(1, 30):
            values["w.grad"] = golden["w.grad"] = np.full(9, scale, np.float32)
            golden |= golden_step(item, golden, step, torch.float32)
            (values,) = device_steps(harness, item, values, step, 4)
            for key in start_of(item, values["w"]):
                finite = np.isfinite(golden[key])
                assert np.isfinite(values[key][finite]).all(), (step, key)


def test_the_bias_corrections_of_adam_are_exact_from_the_first_step_on(harness: Harness) -> None:
    for beta1, beta2 in ((0.9, 0.999), (0.0, 0.99999), (0.999, 0.5)):
        rate = Adam(betas=(beta1, beta2)).rate(scheduled=False)
        assert rate is not None
        for step in (1, 2, 3, 10, 100, 1000, 12_345, 1_000_000, 2**31 - 1):
            step_size = 0.001 / (1 - beta1**step)
            root_scale = (1 - beta2**step) ** -0.5
            got = harness.rate(rate, 0.001, step)
            np.testing.assert_allclose(got, [step_size, root_scale, 1.0], rtol=8 * 2**-24)


@pytest.mark.parametrize("contraction", ["off", "fast"])
def test_the_inverse_root_keeps_its_error_bound(
    contraction: str, harness: Harness, plain_harness: Harness
) -> None:
    """w = 0 - 1 * (1 / (sqrt(v) + eps)): Adagrad with gradient 1 and sums given."""
    chosen = plain_harness if contraction == "fast" else harness
    adagrad = OPTIMIZERS["adagrad"](lr=1.0, eps=1e-12)  # type: ignore[call-arg]
    bits = np.random.default_rng(0).integers(0x00800000, 0x7E800000, 400_000, dtype=np.uint32)
    sums = np.concatenate([bits.view(np.float32), [np.float32(0)]])
    ones = np.ones_like(sums)
    values = {"w": 0 * ones, "w.sum": sums, "w.grad": ones}
    (found,) = device_steps(chosen, adagrad, values, 2, 8)
    exact = -1 / (np.sqrt(found["w.sum"].astype(np.float64)) + np.float32(1e-12))
    assert np.abs(found["w"].astype(np.float64) / exact - 1).max() <= 1e-6
