"""Loss and accuracy on the test data while the network trains."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

from tests.conftest import EXAMPLES, deployed
from trainlib_deployer.cli import main
from trainlib_deployer.report.documents import document_schema
from trainlib_deployer.spec.model import DeviceOptions

SPEC = """
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
  optimizer: {{type: sgd, lr: 0.05, momentum: 0.9}}
  batch_size: {batch}
  epochs: 3
  evaluate_every: 2
data: {{train: train.npz, test: test.npz}}
"""


@pytest.mark.parametrize(
    ("loss", "batch", "l1"),
    [("cross_entropy", 4, 65536), ("cross_entropy, label_smoothing: 0.1", 1, 2500),
     ("mse, reduction: sum", 3, 3000)],
)  # fmt: skip
def test_evaluations_are_pytorchs(loss: str, batch: int, l1: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for name, count in (("train", 12), ("test", 7)):
        x = rng.standard_normal((count, 2, 6, 5)).astype("f4")
        y = np.arange(count) % 3 if "cross" in loss else rng.standard_normal((count, 3))
        np.savez(tmp_path / f"{name}.npz", x=x, y=y)
    model = tmp_path / "model.yaml"
    text = SPEC.format(loss=loss, batch=batch)
    if batch == 1 or "sum" in loss:
        text = text.replace("lr: 0.05", "lr: 0.002")
    model.write_text(text, encoding="utf-8")
    options = DeviceOptions(cores=3, l1_bytes=l1, l2_bytes=100_000)
    project = deployed(model, tmp_path / "out", options=options)
    assert (project.memory.home == "l1") == (l1 == 65536)
    result = CliRunner().invoke(main, ["run", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    jsonschema.validate(document, document_schema("run"))
    steps = project.training_steps
    found = document["evaluations"]
    assert [item["step"] for item in found] == list(range(2, steps + 1, 2))
    for item in found:
        device, golden = item["device"], item["golden"]
        assert device["loss"] == pytest.approx(golden["loss"], rel=1e-3, abs=1e-3)
        assert (device["accuracy"] is None) == ("mse" in loss)
    if "cross" in loss and steps % 2 == 0:
        assert found[-1]["device"]["accuracy"] == document["accuracy"]["device"]
    text = CliRunner().invoke(main, ["run", str(tmp_path / "out")]).stdout
    assert f"after step {found[-1]['step']}: loss " in text


def test_a_loss_that_is_not_pytorchs_differs(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((8, 2, 6, 5)).astype("f4"), np.arange(8) % 3
    for name in ("train", "test"):
        np.savez(tmp_path / f"{name}.npz", x=x, y=y)
    model = tmp_path / "model.yaml"
    model.write_text(SPEC.format(loss="cross_entropy", batch=4), encoding="utf-8")
    deployed(model, tmp_path / "out")
    source = tmp_path / "out" / "src" / "samples.h"
    assert "sum += evaluate_sample();" in source.read_text()
    source.write_text(source.read_text().replace("sum += evaluate", "sum += 1.01f * evaluate"))
    result = CliRunner().invoke(main, ["run", str(tmp_path / "out")])
    assert result.exit_code == 6
    assert "evaluation after step 2: loss" in result.stdout


ADAM_BEFORE_NORMS = """
name: net
input: {shape: [1, 8, 8]}
layers:
  - {name: c1, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: batch_norm2d}
  - {type: relu}
  - {name: c2, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: batch_norm2d}
  - {type: relu}
  - {type: max_pool2d, kernel_size: 2}
  - {type: flatten}
  - {name: fc, type: linear, out_features: 10}
training:
  loss: cross_entropy
  optimizer: {type: adam, lr: 0.002}
  batch_size: 4
  max_steps: 40
  evaluate_every: 4
  shuffle: true
data: {train: train.npz, test: test.npz}
device: {cores: 4, l1: 256k}
"""


def test_what_rounding_moves_by_itself_is_allowed_for(tmp_path: Path) -> None:
    """A norm takes out the bias before it: adam makes steps of the rounding that is its gradient,
    and running means follow."""
    for name in ("train", "test"):
        shutil.copy(EXAMPLES / "digits" / f"{name}.npz", tmp_path)
    model = tmp_path / "model.yaml"
    model.write_text(ADAM_BEFORE_NORMS, encoding="utf-8")
    deployed(model, tmp_path / "out", options=DeviceOptions())
    result = CliRunner().invoke(main, ["run", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    apart = [abs(e["device"]["loss"] - e["golden"]["loss"]) for e in document["evaluations"]]
    assert max(apart) > 1e-3, "this test needs evaluations that rounding moves"
    assert any("evaluations from step 4 on are compared" in note for note in document["notes"])
    assert any("the accuracy is compared within" in note for note in document["notes"])

    source = tmp_path / "out" / "src" / "samples.h"
    whole = source.read_text()
    source.write_text(whole.replace("sum += evaluate", "sum += 1.5f * evaluate"))
    result = CliRunner().invoke(main, ["run", str(tmp_path / "out")])
    assert result.exit_code == 6
    assert "evaluation after step 4: loss" in result.stdout
    source.write_text(whole)
    main_c = tmp_path / "out" / "src" / "main.c"
    text = main_c.read_text()
    assert "golden_judge_accuracy(golden, correct)" in text
    main_c.write_text(text.replace("accuracy(golden, correct)", "accuracy(golden, correct / 2)"))
    result = CliRunner().invoke(main, ["run", str(tmp_path / "out")])
    assert result.exit_code == 6
    assert "accuracy: " in result.stdout
