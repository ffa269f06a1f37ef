"""Kernels with loops of PULP's own instructions give the host's bits there, NaN included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.bench.kernel_rows import layer_steps, loss_steps
from tests.kernels.cases import SPECIAL, kernels_for, run_in_place, run_step
from tests.kernels.harness import Array
from tests.targets.conftest import ready
from tests.targets.recorded import RecordingHarness, answers_of_target, harness_project
from trainlib_deployer.ir.step import Step
from trainlib_deployer.layers.adaptive_avg_pool2d import AdaptiveAvgPool2d
from trainlib_deployer.layers.add import Add
from trainlib_deployer.layers.avg_pool2d import AvgPool2d
from trainlib_deployer.layers.flatten import Flatten
from trainlib_deployer.layers.leaky_relu import LeakyRelu
from trainlib_deployer.layers.max_pool2d import MaxPool2d
from trainlib_deployer.layers.relu import Relu
from trainlib_deployer.losses.mse import Mse

NONE = (0, 0, 0, 0)
# the gradient of max pooling has another loop from 33 columns on
IMAGES = (
    (3, 2, 2), (5, 8, 8), (3, 9, 7), (4, 7, 10), (2, 3, 3), (6, 5, 25), (3, 4, 32), (2, 4, 33),
)  # fmt: skip


def steps() -> Iterator[Step]:
    for count in (1, 7, 37, 300):
        for layer in (Relu(), LeakyRelu(negative_slope=0.1), Flatten()):
            yield from layer_steps(layer, (count, 1, 1))
        yield from layer_steps(Add(), (count,), (count,))
        yield from loss_steps(Mse(), (count,))
    for image in IMAGES:
        window = {"kernel_size": (2, 2), "stride": None, "padding": NONE}
        yield from layer_steps(MaxPool2d(**window), image)
        yield from layer_steps(AvgPool2d(**window, count_include_pad=True), image)
        yield from layer_steps(AdaptiveAvgPool2d(output_size=(1, 1)), image)


def values_of(step: Step, random: np.random.Generator, special: float) -> dict[str, Array]:
    """Numbers, so many of them special ones."""
    found: dict[str, Array] = {}
    for tensor in step.tensors:
        values = random.standard_normal(tensor.shape).astype(np.float32)
        chosen = random.random(tensor.shape) < special
        values[chosen] = random.choice(SPECIAL, int(chosen.sum())).view(np.float32)
        found[tensor.name] = values
    return found


def same(got: bytes, wanted: bytes) -> bool:
    """Bit by bit, but a NaN is a NaN and a zero a zero: FPUs differ in their signs."""
    a, b = np.frombuffer(got, np.float32), np.frombuffer(wanted, np.float32)
    return bool(np.all((a == b) | (np.isnan(a) & np.isnan(b))))


@pytest.mark.parametrize("cores", [5, 8])
def test_gvsoc_gives_the_bits_of_the_host(
    cores: int, recording: RecordingHarness, tmp_path: Path
) -> None:
    ready("gvsoc")
    random = np.random.default_rng(0)
    for step in steps():
        for kernel in kernels_for(step):
            for special in (0.0, 0.05, 0.4):
                values = values_of(step, random, special)
                for _, index in step.in_place:
                    run_in_place(recording, step, kernel, cores, values, index)
                run_step(recording, step, kernel, cores, values)
    project = harness_project(tmp_path / "out")
    # EXACT=1 leaves PULP's loops out, as some fuse products and sums; none of these does
    answers = answers_of_target(
        project, "gvsoc", recording.exchanges, cores=cores, cc="clang-19 -DTL_XPULP"
    )
    for exchange, answer in zip(recording.exchanges, answers, strict=True):
        assert same(answer, exchange.answer), exchange.what
