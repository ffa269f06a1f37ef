"""Mini-batches and batch norm on a simulated target, from the command line to the comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
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
