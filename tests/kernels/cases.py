"""Random layers, run Step by Step through the harness, against torch autograd in double."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn as nn  # the layers' expressions name it
import torch.nn.functional as F  # noqa: N812
from hypothesis import strategies as st

from tests.kernels.harness import Array, Given, Harness
from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Kind, Shape, Tensor
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Gradients, Layer, ShapeError
from trainlib_deployer.spec.field import (
    BooleanField,
    ChoiceField,
    Field,
    IntegerField,
    NumberField,
)
from trainlib_deployer.spec.field_rows import RowField
from trainlib_deployer.spec.fields import fields_of
from trainlib_deployer.training.differentiate import accumulating
from trainlib_deployer.training.tolerance import EPSILON, SAFETY
from trainlib_deployer.tuning.kernels import Kernel, all_kernels

CORES = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 16])
# NaN and infinities of both signs, and zeros
SPECIAL = np.array([0x7FC00000, 0xFFC00000, 0x7F800000, 0xFF800000, 0x80000000, 0], np.uint32)


@dataclass(frozen=True)
class Case:
    """A layer with inputs of these shapes (no batch axis)."""

    layer: Layer
    shapes: tuple[Shape, ...]
    batch: int
    seed: int
    cores: int
    accumulate: bool


def _values(field: Field, name: str) -> st.SearchStrategy[Any]:
    """Random values of one key; a new layer's keys are drawn without a word here."""
    if isinstance(field, BooleanField):
        return st.booleans()
    if isinstance(field, ChoiceField):
        return st.sampled_from(field.options)
    if name == "eps":
        return st.sampled_from([1e-6, 1e-5, 1e-3, 0.5])
    if isinstance(field, NumberField):
        return st.floats(-1 if field.minimum is None else max(-1, field.minimum), 1, width=32)
    assert isinstance(field, IntegerField)
    least, most = field.minimum or 0, 3 if name == "stride" else 5
    one = st.integers(least, min(most, field.maximum))
    width = max(map(len, field.forms)) if isinstance(field, RowField) else 0
    return st.tuples(*[one] * width) if width else one


@st.composite
def layer_cases(draw: st.DrawFn, name: str) -> Case:
    """A random case of one layer type; shapes that it refuses are drawn again."""
    cls = LAYERS[name]
    free = {key: field for key, field in fields_of(cls).items() if key != "normalized_shape"}
    options = {key: draw(_values(field, key)) for key, field in free.items()}
    channels = draw(st.integers(1, 9))
    if "groups" in options:
        groups = draw(st.sampled_from([1, 1, 1, 2, 3, 5, 13]))
        channels = groups * draw(st.integers(1, 5 if groups < 5 else 1))
        options |= {"groups": groups, "out_channels": groups * draw(st.integers(1, 6))}
    size = st.integers(1, 19)
    image = (channels, draw(size), draw(size))
    shapes: list[Shape] = [image, (draw(st.integers(1, 70)),), (draw(size), draw(size))]
    for shape in draw(st.permutations(shapes)):
        if "normalized_shape" in fields_of(cls):
            options["normalized_shape"] = shape[-draw(st.integers(1, len(shape))) :]
        layer = cls(**options)
        try:
            layer.output_shape(*[shape] * cls.input_count)
        except ShapeError:
            continue
        return Case(
            layer,
            (shape,) * cls.input_count,
            draw(st.integers(1, 3)) + layer.least_batch(shape) - 1,
            draw(st.integers(0, 2**31)),
            draw(CORES),
            draw(st.booleans()),
        )
    # a window larger than the padded input: one that fits is as random
    return draw(layer_cases(name))


def kernels_for(step: Step) -> Iterator[Kernel]:
    """Every variant of kernels.def that accepts the Step's shape."""
    for kernel in all_kernels():
        if (kernel.op, kernel.phase) == (step.op, step.phase.value) and kernel.takes(step.fields):
            yield kernel


def run_step(
    harness: Harness, step: Step, kernel: Kernel, cores: int, values: dict[str, Array]
) -> None:
    """Call the kernel; outputs that it need not read start as NaN."""
    for operand in step.operands:
        if operand.tensor and not operand.access.reads:
            values[operand.tensor.name] = np.full(operand.tensor.shape, np.nan, np.float32)
    operands = [values[o.tensor.name] if o.tensor else None for o in step.operands]
    results = harness.run(kernel, cores, step.fields, operands)
    for operand, before, after in zip(step.operands, operands, results, strict=True):
        if operand.tensor is None or before is None or after is None:
            continue
        if not operand.access.writes:
            assert before.tobytes() == after.tobytes(), f"{operand.tensor.name} was written"
        values[operand.tensor.name] = after


def run_in_place(
    harness: Harness, step: Step, kernel: Kernel, cores: int, values: dict[str, Array], index: int
) -> Array:
    """The first operand, an output, in the place of an input."""
    tensors = [operand.tensor for operand in step.operands]
    operands: list[Given] = [values[tensor.name] if tensor else None for tensor in tensors]
    operands[0], operands[index] = operands[index], 0
    result = harness.run(kernel, cores, step.fields, operands)[0]
    assert result is not None and tensors[0]
    return result.reshape(tensors[0].shape)


def node_of(case: Case) -> Node:
    """The layer in its place, with inputs `x0`, `x1`, …"""
    inputs = tuple(
        Tensor(f"x{i}", Kind.ACTIVATION, (case.batch, *shape))
        for i, shape in enumerate(case.shapes)
    )
    output = (case.batch, *case.layer.output_shape(*case.shapes))
    parameters = {
        name: Tensor(f"tested.{name}", Kind.WEIGHT, shape)
        for name, shape in case.layer.parameters(*case.shapes).items()
    }
    y = Tensor("tested", Kind.ACTIVATION, output)
    buffers = {
        name: Tensor(f"tested.{name}", Kind.BUFFER, shape)
        for name, shape in case.layer.buffers(*case.shapes).items()
    }
    return Node("tested", case.layer, inputs, y, parameters, True, buffers)


def torch_results(node: Node, values: dict[str, Array]) -> dict[str, Array]:
    """Output and gradients by PyTorch in double, from the layer's own PyTorch expressions."""
    expression = node.layer.torch_module(node)
    module = eval(expression, {"nn": nn}).double() if expression else None
    if module is not None:
        state = {**node.parameters, **node.buffers}
        module.load_state_dict(
            {name: torch.from_numpy(values[t.name]) for name, t in state.items()}, strict=False
        )
    inputs = [torch.from_numpy(values[t.name]).double().requires_grad_() for t in node.inputs]
    names = {f"x{i}": tensor for i, tensor in enumerate(inputs)}
    call = node.layer.torch_call("module", tuple(names))
    y = eval(call, {"module": module, "F": F, "torch": torch, **names})
    y.backward(torch.from_numpy(values["tested.grad"]).double())
    found = {"tested": y.detach().numpy()}
    found |= {f"{t.name}.grad": i.grad.numpy() for t, i in zip(node.inputs, inputs, strict=True)}
    if module is not None:
        for name, parameter in module.named_parameters():
            found[f"tested.{name}.grad"] = parameter.grad.numpy()
        found |= {f"tested.{name}": buffer.numpy() for name, buffer in module.named_buffers()}
    return found


Draw = Callable[[np.random.Generator, Shape], Array]


def _normal(random: np.random.Generator, shape: Shape) -> Array:
    return random.standard_normal(shape).astype(np.float32)


def check_case(harness: Harness, case: Case, inputs: Draw = _normal) -> None:
    """Forward and backward of a case, with every kernel that accepts it."""
    node = node_of(case)
    random = np.random.default_rng(case.seed)

    def noise(shape: Shape) -> Array:
        return _normal(random, shape)

    given: dict[str, Array] = {t.name: inputs(random, t.shape) for t in node.inputs}
    given |= {p.name: noise(p.shape) for p in node.parameters.values()}
    # variances too
    given |= {b.name: np.abs(noise(b.shape)) + np.float32(0.1) for b in node.buffers.values()}
    given["tested.grad"] = noise(node.output.shape)
    expected = torch_results(node, given)
    dy = Tensor("tested.grad", Kind.INPUT_GRAD, node.output.shape)
    dx = [Tensor(f"{t.name}.grad", Kind.INPUT_GRAD, t.shape) for t in node.inputs]
    dparams = {
        name: Tensor(f"{p.name}.grad", Kind.WEIGHT_GRAD, p.shape)
        for name, p in node.parameters.items()
    }
    old = {t.name: noise(t.shape) for t in (*dx, *dparams.values())}
    request = Gradients(dy, tuple(dx), (case.accumulate,) * len(dx), dparams)
    values = {**given, **old}
    depth: dict[str, float] = {}
    for step in (*case.layer.forward(node), *case.layer.backward(node, request)):
        step = accumulating(step) if case.accumulate else step
        kernels = list(kernels_for(step))
        assert kernels, f"no kernel takes {step}"
        reached = max((depth.get(t.name, 0.0) for t in step.reads), default=0.0)
        reached += math.sqrt(step.reduction_length)
        depth |= dict.fromkeys((t.name for t in step.writes), reached)
        for kernel in kernels:
            after = dict(values)
            run_step(harness, step, kernel, case.cores, after)
            for tensor in step.writes:
                if tensor.kind is Kind.SCRATCH:
                    continue
                start = old[tensor.name] if case.accumulate and tensor.name in old else 0.0
                wanted = expected[tensor.name] + start
                floor = _floor(tensor, values)
                terms = reached * reached
                assert_close(after[tensor.name], wanted, terms, kernel.function, floor)
        values = after


def _floor(tensor: Tensor, values: dict[str, Array]) -> float:
    """The size of the terms that may cancel: those of a normalisation's gradients."""
    if "tested.stats" not in values or tensor.kind not in (Kind.INPUT_GRAD, Kind.WEIGHT_GRAD):
        return 0.0
    if tensor.kind is Kind.WEIGHT_GRAD:
        return float(np.abs(values["tested.grad"]).max())
    weight = np.abs(values.get("tested.weight", np.ones(1, np.float32))).max()
    rstd = values["tested.stats"].reshape(-1, 3)[:, 2].max()
    return float(weight * rstd * np.abs(values["tested.grad"]).max())


def assert_close(got: Array, wanted: Array, terms: float, what: str, floor: float = 0.0) -> None:
    """Within 16 eps sqrt(terms) of the largest magnitude, or of `floor` where terms cancel."""
    scale = max(float(np.abs(wanted).max(initial=0.0)), floor) or 1.0
    error = float(np.abs(got.astype(np.float64) - wanted).max(initial=0.0)) / scale
    assert error <= SAFETY * EPSILON["f32"] * math.sqrt(terms), f"{what}: error {error}"
    assert np.isfinite(got).all(), what
