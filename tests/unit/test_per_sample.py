"""What a Step says of smaller mini-batches is what it would be if planned for them."""

from __future__ import annotations

import pytest

from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Kind, Shape, Tensor
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Gradients, Layer
from trainlib_deployer.losses import LOSSES
from trainlib_deployer.losses.base import Loss

LARGE, SMALL = 5, 3
LAYER_CASES = [
    (f"{name}-{index}", *case)
    for name in LAYERS
    for index, case in enumerate(LAYERS[name].examples())
]


def steps_of_layer(layer: Layer, shapes: tuple[Shape, ...], batch: int) -> tuple[Step, ...]:
    inputs = tuple(
        Tensor(f"x{i}", Kind.ACTIVATION, (batch, *shape)) for i, shape in enumerate(shapes)
    )
    y = Tensor("y", Kind.ACTIVATION, (batch, *layer.output_shape(*shapes)))
    params = {
        name: Tensor(f"y.{name}", Kind.WEIGHT, shape)
        for name, shape in layer.parameters(*shapes).items()
    }
    node = Node("y", layer, inputs, y, params, True)
    dx = tuple(Tensor(f"{t.name}.grad", Kind.INPUT_GRAD, t.shape) for t in inputs)
    request = Gradients(
        Tensor("y.grad", Kind.INPUT_GRAD, y.shape),
        dx,
        (False,) * len(dx),
        {n: Tensor(f"{p.name}.grad", Kind.WEIGHT_GRAD, p.shape) for n, p in params.items()},
    )
    return (*layer.forward(node), *layer.backward(node, request))


def assert_follows(large: tuple[Step, ...], small: tuple[Step, ...]) -> None:
    for one, other in zip(large, small, strict=True):
        followed = {name: each * SMALL for name, each in (one.per_sample | one.per_step).items()}
        assert {**one.fields, **followed} == other.fields, one.name
        same_type = {name: type(value) for name, value in followed.items()}
        assert same_type == {name: type(one.fields[name]) for name in followed}
        assert one.per_sample == other.per_sample


@pytest.mark.parametrize(
    ("layer", "shapes"), [case[1:] for case in LAYER_CASES], ids=[case[0] for case in LAYER_CASES]
)
def test_the_steps_of_a_layer_follow_the_mini_batch(
    layer: Layer, shapes: tuple[Shape, ...]
) -> None:
    assert_follows(steps_of_layer(layer, shapes, LARGE), steps_of_layer(layer, shapes, SMALL))


@pytest.mark.parametrize("name", list(LOSSES))
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_steps_of_a_loss_follow_the_mini_batch(name: str, reduction: str) -> None:
    loss: Loss = LOSSES[name](reduction=reduction)  # type: ignore[call-arg]

    def steps(batch: int) -> tuple[Step, ...]:
        x = Tensor("y", Kind.ACTIVATION, (batch, 4))
        wanted = loss.target((4,))
        target = Tensor("target", Kind.TARGET, (batch, *wanted.shape), wanted.dtype)
        value = Tensor("loss", Kind.LOSS, (1,))
        dx = Tensor("y.grad", Kind.INPUT_GRAD, x.shape)
        return loss.forward(x, target, value), loss.backward(x, target, dx)

    assert_follows(steps(LARGE), steps(SMALL))
