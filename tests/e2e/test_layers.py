"""Every layer, as the registry knows it, in a whole project: generate, build, run, compare."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import make
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Layer
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.render.project import write_project
from trainlib_deployer.spec.fields import fields_of
from trainlib_deployer.spec.model import DeviceOptions

BATCH = 5  # of 8 samples: the last mini-batch, which is checked, is a smaller one
CASES = [
    (name, index, layer, shapes, batch)
    for name in LAYERS
    for index, (layer, shapes) in enumerate(LAYERS[name].examples())
    # of two values a normalisation leaves no gradient but rounding
    for batch in (1 if layer.least_batch(*shapes) == 1 else 4, BATCH)
]


def options_of(layer: Layer) -> dict[str, Any]:
    """The layer's keys as a spec writes them."""
    known = fields_of(type(layer))
    values = {f.name: getattr(layer, f.name) for f in dataclasses.fields(layer) if f.name in known}  # type: ignore[arg-type]
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None
    }


def spec_around(layer: Layer, shapes: tuple[Shape, ...], batch: int) -> str:
    """A network that learns before and behind the layer, so that all its gradients are needed."""
    shape = shapes[0]
    image = len(shape) == 3
    before = (
        {"type": "conv2d", "out_channels": shape[0], "kernel_size": 1}
        if image
        else {"type": "linear", "out_features": shape[-1]}
    )
    layers: list[dict[str, Any]] = [
        {"name": f"before{index}", **before, "input": "input"} for index in range(len(shapes))
    ]
    sources = [item["name"] for item in layers]
    wiring = {"inputs": sources} if len(sources) > 1 else {"input": sources[0]}
    layers.append({"name": "tested", "type": layer.type_name, **wiring, **options_of(layer)})
    layers.append({"type": "flatten"})
    layers.append({"type": "linear", "out_features": 3})
    training = {"loss": "cross_entropy", "optimizer": {"type": "sgd", "lr": 0.05}, "epochs": 2}
    training |= {"batch_size": batch, "max_steps": 6}
    spec = {"name": "net", "input": {"shape": list(shape)}, "layers": layers, "training": training}
    return yaml.safe_dump(spec, sort_keys=False)


@pytest.mark.parametrize(
    ("name", "index", "layer", "shapes", "batch"),
    CASES,
    ids=[f"{name}-{index}-{batch}" for name, index, _, _, batch in CASES],
)
def test_a_network_with_the_layer_trains_as_in_pytorch(
    name: str, index: int, layer: Layer, shapes: tuple[Shape, ...], batch: int, tmp_path: Path
) -> None:
    model = tmp_path / "model.yaml"
    model.write_text(spec_around(layer, shapes, batch), encoding="utf-8")
    project = plan_project(model, DeviceOptions(cores=5))
    assert project.memory.home == "l1"
    if index % 2:
        # a little less L1: tensors live in L2, and operands are brought to L1
        less = project.memory.levels["l1"].used - 8
        project = plan_project(model, DeviceOptions(cores=3, l1_bytes=less))
        assert project.memory.home == "l2"
    write_project(project, tmp_path / "out", golden=True, force=False)
    ran = make(tmp_path / "out", "run", "SANITIZE=address,undefined")
    assert "result ok" in ran.output, ran.output
    assert ran.status == 0
