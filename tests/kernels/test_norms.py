"""Normalisation where numbers are hard: large offsets, tiny and huge values, constants, teams."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernels.cases import Case, Draw, check_case, kernels_for, node_of, run_step
from tests.kernels.harness import Array, Harness
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS

IMAGE: Shape = (6, 7, 5)
ROW: Shape = (37,)
CASES: dict[str, tuple[dict[str, object], Shape]] = {
    "batch_norm2d": ({}, IMAGE),
    "batch_norm1d": ({}, ROW),
    "instance_norm2d": ({"affine": True}, IMAGE),
    "group_norm": ({"num_groups": 3}, IMAGE),
    "layer_norm": ({"normalized_shape": ROW}, ROW),
    "rms_norm": ({"normalized_shape": ROW}, ROW),
}


def scaled(scale: float, offset: float = 0.0) -> Draw:
    def draw(random: np.random.Generator, shape: Shape) -> Array:
        return (offset + scale * random.standard_normal(shape)).astype(np.float32)

    return draw


def spike(random: np.random.Generator, shape: Shape) -> Array:
    """All 3 but the first element of all, which is far away."""
    x = np.full(shape, 3.0, np.float32)
    x.flat[0] = 1e4
    return x


DRAWS: dict[str, Draw] = {
    "1e-6": scaled(1e-6),
    "1e-3": scaled(1e-3),
    "1e4": scaled(1e4),
    "1e4 +- 1e-2": scaled(1e-2, 1e4),
    "-1e4 +- 1": scaled(1.0, -1e4),
    "zeros": scaled(0.0),
    "constant": scaled(0.0, 1234.567),
    "spike": spike,
}


def case_of(name: str, batch: int, cores: int, shape: Shape | None = None) -> Case:
    options, usual = CASES[name]
    if shape is not None and "normalized_shape" in options:
        options = {"normalized_shape": shape}
    return Case(LAYERS[name](**options), (shape or usual,), batch, 3, cores, False)


def test_every_normalisation_is_tested_here() -> None:
    assert set(CASES) == {name for name in LAYERS if "norm" in name}


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("name", CASES)
def test_hard_numbers_agree_with_pytorch(name: str, draw: str, harness: Harness) -> None:
    for batch in (2, 8):
        check_case(harness, case_of(name, batch, 5), DRAWS[draw])


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
def test_a_single_element_agrees_with_pytorch(name: str, harness: Harness) -> None:
    check_case(harness, case_of(name, 1, 3, (1,)))


@pytest.mark.parametrize("channels", [1, 3, 16, 33])
def test_batches_smaller_than_their_parts_agree(channels: int, harness: Harness) -> None:
    """Few elements a channel, and few channels: some of the parts that are summed are empty."""
    for batch in (2, 3, 40):
        check_case(harness, case_of("batch_norm1d", batch, 8, (channels,)))


@pytest.mark.parametrize("name", CASES)
def test_bits_do_not_depend_on_the_team(name: str, plain_harness: Harness) -> None:
    case = case_of(name, 3, 1)
    node = node_of(case)
    random = np.random.default_rng(1)
    tensors = (*node.inputs, *node.parameters.values(), *node.buffers.values())
    start: dict[str, Array] = {
        t.name: random.standard_normal(t.shape).astype(np.float32) for t in tensors
    }
    results = set()
    for cores in (1, 3, 8, 16):
        values = dict(start)
        for step in case.layer.forward(node):
            (kernel,) = kernels_for(step)
            run_step(plain_harness, step, kernel, cores, values)
        results.add(values["tested"].tobytes() + values["tested.stats"].tobytes())
    assert len(results) == 1
