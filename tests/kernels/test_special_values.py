"""NaN, infinities and zeros as PyTorch has them, and outputs in the places of inputs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernels.cases import (
    SPECIAL,
    Case,
    kernels_for,
    node_of,
    run_in_place,
    run_step,
    torch_results,
)
from tests.kernels.harness import Array, Harness
from trainlib_deployer.ir.tensor import Kind, Shape, Tensor
from trainlib_deployer.layers.base import Gradients, Layer
from trainlib_deployer.layers.leaky_relu import LeakyRelu
from trainlib_deployer.layers.max_pool2d import MaxPool2d
from trainlib_deployer.layers.relu import Relu

NONE = (0, 0, 0, 0)
CASES: list[tuple[Layer, Shape]] = [
    (Relu(), (5, 7, 11)),
    (LeakyRelu(negative_slope=0.25), (5, 7, 11)),
    (LeakyRelu(negative_slope=-0.5), (301,)),
    (LeakyRelu(negative_slope=0.0), (301,)),
    (MaxPool2d(kernel_size=(2, 2), stride=None, padding=NONE), (8, 16, 16)),
    (MaxPool2d(kernel_size=(2, 2), stride=None, padding=NONE), (8, 7, 9)),
    (MaxPool2d(kernel_size=(3, 2), stride=(2, 1), padding=(1, 0, 1, 0)), (8, 9, 8)),
]


def special_values(random: np.random.Generator, shape: Shape, share: float) -> Array:
    """Small whole numbers, so that many are equal, and so many special values."""
    values = random.integers(-3, 4, shape).astype(np.float32)
    chosen = random.random(shape) < share
    values[chosen] = random.choice(SPECIAL, int(chosen.sum())).view(np.float32)
    return values


@pytest.mark.parametrize(("layer", "shape"), CASES)
@pytest.mark.parametrize("share", [0.02, 0.3])
def test_special_values_are_those_of_pytorch(
    layer: Layer, shape: Shape, share: float, harness: Harness
) -> None:
    random = np.random.default_rng(0)
    node = node_of(Case(layer, (shape,), 2, 0, 1, False))
    x, dy = node.inputs[0], Tensor("tested.grad", Kind.INPUT_GRAD, node.output.shape)
    dx = Tensor(f"{x.name}.grad", Kind.INPUT_GRAD, x.shape)
    values = {x.name: special_values(random, x.shape, share)}
    values[dy.name] = random.integers(1, 9, dy.shape).astype(np.float32)
    expected = torch_results(node, values)
    steps = (*layer.forward(node), *layer.backward(node, Gradients(dy, (dx,), (False,), {})))
    for step in steps:
        (written,) = step.writes
        for kernel in kernels_for(step):
            for cores in (1, 3, 8):
                found = dict(values)
                run_step(harness, step, kernel, cores, found)
                results = [found[written.name]]
                for _, index in step.in_place:
                    results.append(run_in_place(harness, step, kernel, cores, found, index))
                for result in results:
                    np.testing.assert_array_equal(
                        result, expected[written.name].astype(np.float32), kernel.function
                    )
