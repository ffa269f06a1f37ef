"""Mini-batches and batch norm on a simulated target, from the command line to the comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from tests.conftest import EXAMPLES
from tests.targets.conftest import ready
from trainlib_deployer.cli import main

TARGET = "qemu-riscv32"


def run(spec: str, out: Path, *options: str) -> dict[str, Any]:
    ready(TARGET)
    command = [str(EXAMPLES / spec), "--target", TARGET, "-o", str(out), "--run", "--json", "-q"]
    result = CliRunner().invoke(main, [*command, *options])
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    assert report["status"] == "ok"
    return report


@pytest.mark.parametrize("spec", ["batch_norm/resnet8.yaml", "batch_norm/ds_cnn.yaml"])
def test_a_network_with_batch_norm_trains_as_in_pytorch(spec: str, tmp_path: Path) -> None:
    report = run(spec, tmp_path / "out", "--steps", "1")
    assert {tensor["kind"] for tensor in report["tensors"]} >= {"buffer", "weight_grad"}


def test_a_device_learns_a_new_class(tmp_path: Path) -> None:
    before = run("new_class/before.yaml", tmp_path / "before")["accuracy"]["device"]
    after = run("new_class/learn.yaml", tmp_path / "learn")["accuracy"]["device"]
    print(f"accuracy before {before:.1%}, after {after:.1%}")
    assert before < 0.9 < 0.97 < after


def test_shapes_of_many_steps_leave_room_for_the_stack(tmp_path: Path) -> None:
    """They follow the mini-batch, so they are no constants: on a Cortex-M they share L1."""
    ready("cortex-m4")
    block = [
        {"type": "conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1, "bias": False},
        {"type": "batch_norm2d"},
    ]
    layers = [*block * 8, {"type": "flatten"}, {"type": "linear", "out_features": 3}]
    training = {"loss": "cross_entropy", "optimizer": {"type": "sgd", "lr": 0.01}}
    training |= {"batch_size": 2, "accumulate": 2}
    spec = {"name": "many", "input": {"shape": [2, 5, 5]}, "layers": layers, "training": training}
    (tmp_path / "many.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    words = [str(tmp_path / "many.yaml"), "--target", "cortex-m4", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(main, [*words, "--run", "--json", "-q"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert len(plan["steps"]) > 57 and report["stack"][0]["size"] < 8192 - 2048
