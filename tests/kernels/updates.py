"""Random optimizers as the registry knows them, and their updates through the harness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from tests.bench.kernel_rows import update_step
from tests.kernels.cases import kernels_for, run_step
from tests.kernels.harness import Array, Harness
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.base import Optimizer
from trainlib_deployer.spec.field import BooleanField, Field, NumberField, OptionError
from trainlib_deployer.spec.field_rows import NumbersField
from trainlib_deployer.spec.fields import fields_of


def _values(name: str, field: Field) -> st.SearchStrategy[Any]:
    """Random values of one key; a new optimizer's keys are drawn without a word here."""
    if isinstance(field, BooleanField):
        return st.booleans()
    if isinstance(field, NumbersField):
        return st.tuples(*[st.floats(0.0, 0.9999)] * field.count)
    assert isinstance(field, NumberField)
    if name == "lr":
        return st.floats(1e-6, 2)
    if field.minimum:  # an epsilon
        return st.sampled_from([field.minimum, field.default, 1e-3])
    # means of fewer than two gradients have no variance to speak of
    return st.floats(0.5, 0.999) if field.default else st.sampled_from([0.0, 0.0, 0.1, 0.9])


@st.composite
def optimizers(draw: st.DrawFn, name: str) -> Optimizer:
    """A random optimizer of one type; options that do not go together are drawn again."""
    cls = OPTIMIZERS[name]
    options = {key: draw(_values(key, field)) for key, field in fields_of(cls).items()}
    try:
        return cls(**options)
    except OptionError:
        return draw(optimizers(name))


def torch_optimizer(optimizer: Optimizer, parameters: list[torch.Tensor]) -> torch.optim.Optimizer:
    """PyTorch's, from the expression that golden.py gets."""
    names: dict[str, Any] = {"torch": torch, "parameters": parameters}
    exec(optimizer.torch_source, names)
    found = eval(optimizer.torch_call("parameters"), names)
    assert isinstance(found, torch.optim.Optimizer)
    return found


def golden_step(
    optimizer: Optimizer, values: dict[str, Array], step: int, kind: torch.dtype
) -> dict[str, Array]:
    """Weight and state after PyTorch's update number `step` from those values."""
    w = torch.from_numpy(values["w"].copy()).to(kind).requires_grad_()
    golden = torch_optimizer(optimizer, [w])
    if step > 1:
        kept = {name: torch.from_numpy(values[f"w.{name}"]).to(kind) for name in optimizer.state}
        golden.state[w] = {"step": torch.tensor(step - 1.0), **kept}
    w.grad = torch.from_numpy(values["w.grad"].copy()).to(kind)
    golden.step()
    state = golden.state[w]
    found = {"w": w.detach().numpy()}
    return found | {f"w.{name}": state[name].numpy() for name in optimizer.state}


def device_steps(
    harness: Harness, optimizer: Optimizer, values: dict[str, Array], step: int, cores: int
) -> Iterator[dict[str, Array]]:
    """Weight and state after update number `step`, by each kernel that takes it."""
    (update,) = update_step(optimizer, values["w"].size)
    rate = optimizer.rate(scheduled=False)
    if rate:
        values = values | {"rate": harness.rate(rate, optimizer.lr, step)}
    for kernel in kernels_for(update):
        after = dict(values)
        run_step(harness, update, kernel, cores, after)
        yield after


def start_of(optimizer: Optimizer, w: Array) -> dict[str, Array]:
    """A parameter before its first update."""
    return {"w": w, **{f"w.{name}": np.zeros_like(w) for name in optimizer.state}}
