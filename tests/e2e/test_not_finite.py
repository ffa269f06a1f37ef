"""Infinity and NaN: the training stops, says where, and what was learned before is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.conftest import deployed, lines_with, make
from trainlib_deployer.cli import main
from trainlib_deployer.spec.model import DeviceOptions

DENSE = """
name: net
input: {{shape: [6]}}
layers:
  - {{name: f1, type: linear, out_features: 4}}
  - {{name: r1, type: relu}}
  - {{name: f2, type: linear, out_features: 3}}
training:
  loss: {{type: {loss}}}
  optimizer: {{{optimizer}}}
  epochs: 6
data: {{train: train.npz}}
init: init.npz
"""
NORM = """
name: net
input: {{shape: [2, 6, 5]}}
layers:
  - {{name: c1, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}}
  - {{name: b1, type: batch_norm2d}}
  - {{name: r1, type: relu}}
  - {{type: flatten}}
  - {{name: fc, type: linear, out_features: 3}}
training:
  loss: {{type: {loss}}}
  optimizer: {{{optimizer}}}
  batch_size: 3
  epochs: 20
"""


def spec(
    folder: Path,
    text: str,
    *,
    loss: str = "mse",
    optimizer: str,
    x: float = 1.0,
    w: tuple[float, float] = (1.0, 1.0),
) -> Path:
    """A model; `x` scales its samples, `w` the weights of both layers. No relu is dead at first."""
    rng = np.random.default_rng(7)
    y = np.arange(5) % 3 if loss == "cross_entropy" else rng.standard_normal((5, 3))
    np.savez(folder / "train.npz", x=(x * rng.uniform(0.5, 1, (5, 6))).astype("f4"), y=y)
    arrays = {
        "f1.weight": w[0] * (1 + np.arange(24).reshape(4, 6) % 5), "f1.bias": np.zeros(4),
        "f2.weight": w[1] * (np.arange(12).reshape(3, 4) % 5 - 2), "f2.bias": np.zeros(3),
    }  # fmt: skip
    np.savez(folder / "init.npz", **{name: a.astype("f4") for name, a in arrays.items()})
    model = folder / "model.yaml"
    model.write_text(text.format(loss=loss, optimizer=optimizer), encoding="utf-8")
    return model


def run(project: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["run", str(project), *options])


def stopped(project: Path, *options: str) -> str:
    """The one-line message of a run that must stop."""
    result = run(project, *options, "--json")
    assert result.exit_code == 5, result.output
    document = json.loads(result.stdout)
    assert document["exit_code"] == 5 and len(document["errors"]) == 1
    message: str = document["errors"][0]["message"]
    assert "\n" not in message
    return message


LOW = "type: sgd, lr: 1.0e-9"
CASES = {
    "forward": (DENSE, {"optimizer": LOW, "x": 1e30, "w": (1e10, 1)}, "f1.fw"),
    "loss": (DENSE, {"optimizer": LOW, "x": 1e25}, "loss.fw"),
    "input gradient": (
        DENSE,
        {"loss": "cross_entropy", "optimizer": LOW, "w": (1e-3, 1.2e38)},
        "f2.ig",
    ),
    "weight gradient": (
        DENSE,
        # not fused: lr * dw in one would be finite
        {"loss": "mse", "optimizer": f"{LOW}, momentum: 0.5", "x": 1e20, "w": (1e8, 1e-13)},
        "f2.wg",
    ),
    "update": (
        DENSE,
        {"loss": "cross_entropy", "optimizer": "type: sgd, lr: 1.0e+30", "x": 1e15},
        "f2.wg",
    ),
    "slowly": (DENSE, {"optimizer": "type: sgd, lr: 1.0e+4"}, None),
    "momentum": (DENSE, {"optimizer": "type: sgd, lr: 1.0e+4, momentum: 0.9"}, None),
    "batch norm": (NORM, {"optimizer": "type: sgd, lr: 5.0"}, None),
}


@pytest.mark.parametrize("name", CASES)
def test_training_stops_and_keeps_what_was_before(name: str, tmp_path: Path) -> None:
    text, options, at = CASES[name]
    model = spec(tmp_path, text, **options)  # type: ignore[arg-type]
    # what learns lives in L2, and is brought to L1
    device = DeviceOptions(cores=3, l1_bytes=2500 if text is NORM else 220, l2_bytes=100_000)
    project = deployed(model, tmp_path / "out", options=device)
    assert project.memory.home == "l2"
    message = stopped(tmp_path / "out", "--weights", str(tmp_path / "kept.npz"))
    golden = json.loads((tmp_path / "out" / "data" / "golden.json").read_text())
    step = len(golden["loss"])
    assert f"(training step {step})" in message
    assert f"PyTorch's is not finite from step {step} on" in message
    if at:
        assert step == 0 and f"at Step {at} " in message
    with np.load(tmp_path / "kept.npz") as kept:
        assert all(np.isfinite(kept[array]).all() for array in kept)
    blob = (tmp_path / "out" / "data" / "trained.bin").read_bytes()
    if step == 0:
        state = (tmp_path / "out" / "data" / "state.bin").read_bytes()
        assert blob == state[: len(blob)]
    else:
        # the same bits as where training ended in time
        deployed(model, tmp_path / "before", options=device, steps=step)
        make(tmp_path / "before", "run")
        assert blob == (tmp_path / "before" / "data" / "trained.bin").read_bytes()


def test_a_device_alone_that_is_not_finite_is_told_from_pytorch(tmp_path: Path) -> None:
    model = spec(tmp_path, DENSE, optimizer="type: sgd, lr: 0.01")
    deployed(model, tmp_path / "out")
    # a sensor that fails, in no step that the local checks look at
    samples = tmp_path / "out" / "src" / "samples.h"
    text = samples.read_text()
    for old, new in (
        ("\n/* Read which samples", "\nstatic int fails;\n\n/* Read which samples"),
        ("    if (!golden_samples(", "    fails = step == 9;\n    if (!golden_samples("),
        ("    return count;\n}\n\n/* Run", "    x[2] /= !fails;\n    return count;\n}\n\n/* Run"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    samples.write_text(text)
    message = stopped(tmp_path / "out")
    assert "activation f1 is not finite at Step f1.fw (training step 9)" in message
    assert "PyTorch's training stays finite" in message


def test_numbers_that_differ_come_first(tmp_path: Path) -> None:
    """An overflow that the local checks explain is a mismatch."""
    deployed(spec(tmp_path, DENSE, optimizer="type: sgd, lr: 0.01"), tmp_path / "out")
    net = tmp_path / "out" / "src" / "net.c"
    text = net.read_text()
    assert "-0.01f" in text
    net.write_text(text.replace("-0.01f", "-1e+38f"))
    result = run(tmp_path / "out")
    assert result.exit_code == 6, result.output
    assert "first at Step f2.wg" in result.stderr
    assert "not finite" in result.stdout


def test_a_training_that_should_not_be_finite_differs(tmp_path: Path) -> None:
    deployed(spec(tmp_path, DENSE, optimizer="type: sgd, lr: 1.0e+4"), tmp_path / "out")
    net = tmp_path / "out" / "src" / "net.c"
    net.write_text(net.read_text().replace("-10000.0f", "-0.001f"))
    result = run(tmp_path / "out")
    assert result.exit_code == 6, result.output
    assert "the training stays finite, PyTorch's is not from step" in result.stdout


MAGNITUDES = """
name: net
input: {{shape: [4, 6, 5]}}
layers:
  - {{name: n1, type: batch_norm2d}}
  - {{name: n2, type: batch_norm2d, mode: eval, input: input}}
  - {{name: n3, type: instance_norm2d, input: input}}
  - {{name: n4, type: group_norm, num_groups: 2, input: input}}
  - {{name: n5, type: layer_norm, normalized_shape: [4, 6, 5], input: input}}
  - {{name: n6, type: rms_norm, normalized_shape: [4, 6, 5], input: input}}
  - {{name: a1, type: add, inputs: [n1, n2]}}
  - {{name: a2, type: add, inputs: [a1, n3]}}
  - {{name: a3, type: add, inputs: [a2, n4]}}
  - {{name: a4, type: add, inputs: [a3, n5]}}
  - {{name: a5, type: add, inputs: [a4, n6]}}
  - {{type: flatten}}
  - {{name: fc, type: linear, out_features: 3}}
training:
  loss: {{type: {loss}}}
  optimizer: {{type: {optimizer}, lr: {lr}}}
  batch_size: 3
  epochs: 2
data: {{train: train.npz}}
"""


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1e4])
@pytest.mark.parametrize("samples", ["random", "constant"])
@pytest.mark.parametrize(("loss", "optimizer"), [("cross_entropy", "sgd"), ("mse", "adam")])
def test_all_magnitudes_train_as_in_pytorch(
    scale: float, samples: str, loss: str, optimizer: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((6, 4, 6, 5)) if samples == "random" else np.ones((6, 4, 6, 5))
    y = np.arange(6) % 3 if loss == "cross_entropy" else rng.standard_normal((6, 3))
    np.savez(tmp_path / "train.npz", x=(scale * x).astype("f4"), y=y)
    model = tmp_path / "model.yaml"
    text = MAGNITUDES.format(loss=loss, optimizer=optimizer, lr=1e-9 if scale > 1 else 0.01)
    model.write_text(text, encoding="utf-8")
    deployed(model, tmp_path / "out", options=DeviceOptions(cores=3))
    golden = json.loads((tmp_path / "out" / "data" / "golden.json").read_text())
    assert len(golden["loss"]) == golden["steps"] == 4
    ran = make(tmp_path / "out", "run")
    assert "not finite" not in ran.output
    assert lines_with(ran.output, ["free run", "ok"]), ran.output
    # where samples are constant, PyTorch's own normalised values are nothing but rounding
    assert "result ok" in ran.output or samples == "constant", ran.output
