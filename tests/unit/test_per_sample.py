"""What a Step says of smaller mini-batches is what it would be if planned for them."""

from __future__ import annotations

import pytest

from tests.bench.kernel_rows import layer_steps, loss_steps
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Layer
from trainlib_deployer.losses import LOSSES
from trainlib_deployer.losses.base import Loss

LARGE, SMALL = 5, 3
LAYER_CASES = [
    (f"{name}-{index}", *case)
    for name in LAYERS
    for index, case in enumerate(LAYERS[name].examples())
]


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
    large, small = (layer_steps(layer, *shapes, batch=batch) for batch in (LARGE, SMALL))
    assert_follows(large, small)


@pytest.mark.parametrize("name", list(LOSSES))
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_steps_of_a_loss_follow_the_mini_batch(name: str, reduction: str) -> None:
    loss: Loss = LOSSES[name](reduction=reduction)  # type: ignore[call-arg]

    assert_follows(loss_steps(loss, (4,), LARGE), loss_steps(loss, (4,), SMALL))
