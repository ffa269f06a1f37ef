"""Every kernel on random shapes: a target gives the host's bits, and those agree with PyTorch.

Contraction is off on both sides, so that the same team must give the same bits.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kernels.cases import Case, check_case, layer_cases
from tests.kernels.harness import FUNCTIONS, Array
from tests.kernels.test_losses import RANDOM_LOSSES, run_loss
from tests.kernels.updates import device_steps, optimizers, start_of
from tests.targets.conftest import ready
from tests.targets.recorded import RecordingHarness, answers_of_target, harness_project
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.losses.base import Loss
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.base import Optimizer

FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEAMS = (1, 2, 3, 4, 8, 16)


def record_layers(harness: RecordingHarness, most_cores: int) -> None:
    for name in LAYERS:
        for index, (layer, shapes) in enumerate(LAYERS[name].examples()):
            cores = min(TEAMS[index % len(TEAMS)], most_cores)
            batch = layer.least_batch(*shapes) + index % 2
            check_case(harness, Case(layer, shapes, batch, index, cores, index % 2 == 1))

        @FEW
        @given(layer_cases(name))
        def record(case: Case) -> None:
            check_case(harness, dataclasses.replace(case, cores=min(case.cores, most_cores)))

        record()


def record_losses(harness: RecordingHarness, most_cores: int) -> None:
    random = np.random.default_rng(0)

    @FEW
    @given(st.one_of(*RANDOM_LOSSES.values()), st.sampled_from(TEAMS))
    def record(loss: Loss, cores: int) -> None:
        x = random.standard_normal((3, 11)).astype(np.float32)
        spec = loss.target((11,))
        target: Array = random.standard_normal((3, *spec.shape)).astype(np.float32)
        if spec.classes:
            target = random.integers(0, spec.classes, 3).astype(np.int32)
        run_loss(harness, loss, x, target, min(cores, most_cores))

    record()


def record_updates(harness: RecordingHarness, most_cores: int) -> None:
    random = np.random.default_rng(0)

    @FEW
    @given(st.one_of([optimizers(name) for name in OPTIMIZERS]), st.sampled_from(TEAMS))
    def record(optimizer: Optimizer, cores: int) -> None:
        values = start_of(optimizer, random.standard_normal(67).astype(np.float32))
        for step in (1, 2):
            values["w.grad"] = random.standard_normal(67).astype(np.float32)
            for found in device_steps(harness, optimizer, values, step, min(cores, most_cores)):
                values = found

    record()


def record_elementary_functions(harness: RecordingHarness) -> None:
    bits = np.random.default_rng(1).integers(0, 2**32, 20_000, dtype=np.uint32)
    anything = bits.view(np.float32)
    usual = np.linspace(-90, 90, 20_001).astype(np.float32)
    for function in FUNCTIONS:
        for values in (anything[~np.isnan(anything)], usual, np.abs(usual)):
            harness.apply(function, values)


@pytest.mark.parametrize("name", ["qemu-riscv32", "cortex-m7", "cortex-m4"])
def test_a_target_gives_the_bits_of_the_host(
    name: str, recording: RecordingHarness, tmp_path: Path
) -> None:
    target = ready(name)
    record_layers(recording, target.max_cores)
    record_losses(recording, target.max_cores)
    record_updates(recording, target.max_cores)
    record_elementary_functions(recording)
    assert len(recording.exchanges) > 500
    project = harness_project(tmp_path / "out")
    answers = answers_of_target(project, name, recording.exchanges, cores=target.max_cores)
    for exchange, answer in zip(recording.exchanges, answers, strict=True):
        assert answer == exchange.answer, exchange.what
