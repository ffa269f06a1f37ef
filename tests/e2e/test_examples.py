"""Every example: deploy, build, run, agree with PyTorch."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.conftest import EXAMPLES, ROOT, deployed, lines_with, make
from trainlib_deployer.cli import main
from trainlib_deployer.ir.tensor import whole_name
from trainlib_deployer.spec.model import DeviceOptions

SPECS = sorted(EXAMPLES.rglob("*.yaml"))
DIGITS = EXAMPLES / "digits"


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_an_example_trains_as_in_pytorch(spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(main, [str(spec), "-o", str(out), "--run", "--json", "-q"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["status"] == "ok"
    assert all(tensor["ok"] in (True, None) for tensor in report["tensors"])
    if report["accuracy"]:
        # before.yaml predicts only: it does not know one of ten classes
        assert report["accuracy"]["device"] > (0.93 if report["steps"] else 0.85)
        assert abs(report["accuracy"]["device"] - report["accuracy"]["golden"]) <= 0.005


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_checked_tensor_is_named_once(spec: Path, tmp_path: Path) -> None:
    project = deployed(spec, tmp_path / "out", golden=False)
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    named = [(item["kind"], item["name"]) for item in plan["checks"] + plan["absent"]]
    assert len(named) == len(set(named))
    named = [(kind, whole_name(name)) for kind, name in named]
    wanted = {("activation", node.name) for node in project.network.nodes}
    if project.network.training:
        kinds = ("weight", "weight_grad")
        wanted |= {(kind, p.name) for p in project.network.parameters for kind in kinds}
    assert wanted <= set(named)


def test_the_cnn_runs_clean_under_the_thread_sanitizer(tmp_path: Path) -> None:
    deployed(DIGITS / "cnn.yaml", tmp_path / "out", steps=12)
    ran = make(tmp_path / "out", "run", "SANITIZE=thread")
    assert ran.status == 0 and "WARNING" not in ran.output, ran.output


def test_the_cnn_runs_clean_under_address_and_undefined_sanitizers(tmp_path: Path) -> None:
    deployed(DIGITS / "cnn.yaml", tmp_path / "out", steps=12)
    ran = make(tmp_path / "out", "run", "SANITIZE=address,undefined")
    assert ran.status == 0, ran.output


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_copies_that_land_late_change_nothing(spec: Path, tmp_path: Path) -> None:
    deployed(spec, tmp_path / "out", steps=3)
    ran = make(tmp_path / "out", "run", "DELAYED=1")
    assert ran.status == 0, ran.output


@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_late_copies_run_clean_under_sanitizers(sanitizer: str, tmp_path: Path) -> None:
    options = DeviceOptions(cores=4, l1_bytes=32 * 1024, l2_bytes=24 * 1024, l3_bytes=2**20)
    project = deployed(DIGITS / "cnn.yaml", tmp_path / "out", steps=3, options=options)
    assert project.memory.home == "l3"
    ran = make(tmp_path / "out", "run", "DELAYED=1", f"SANITIZE={sanitizer}")
    assert ran.status == 0 and "WARNING" not in ran.output, ran.output


def test_clang_builds_it_without_warnings(tmp_path: Path) -> None:
    deployed(DIGITS / "cnn.yaml", tmp_path / "out", steps=3, options=DeviceOptions(l1_bytes=32768))
    ran = make(tmp_path / "out", "run", "CC=clang-14", "CHECK=fingerprint")
    assert ran.status == 0, ran.output


def test_the_fingerprint_check_agrees_and_the_memory_stays_whole(tmp_path: Path) -> None:
    deployed(DIGITS / "cnn.yaml", tmp_path / "out", steps=12)
    ran = make(tmp_path / "out", "run", "CHECK=fingerprint")
    assert ran.status == 0, ran.output
    assert len(lines_with(ran.output, ["check step", "ok"])) > 30


@pytest.mark.parametrize("cores", [1, 2, 3, 8, 16])
def test_the_same_core_count_gives_the_same_bits(cores: int, tmp_path: Path) -> None:
    deployed(DIGITS / "mlp.yaml", tmp_path / "out", steps=40, options=DeviceOptions(cores=cores))
    blobs = []
    for _ in range(2):
        assert make(tmp_path / "out", "run").status == 0
        blobs.append((tmp_path / "out" / "data" / "trained.bin").read_bytes())
    assert blobs[0] == blobs[1]


def test_trained_weights_go_back_into_pytorch(tmp_path: Path) -> None:
    """`run --weights` → the golden model computes the outputs that the device computed."""
    out, weights = tmp_path / "out", tmp_path / "trained.npz"
    deployed(DIGITS / "cnn.yaml", out, steps=60)
    result = CliRunner().invoke(main, ["run", str(out), "--weights", str(weights), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    text = (DIGITS / "cnn.yaml").read_text().replace("data: {train: ", f"data: {{train: {DIGITS}/")
    text = text.replace("test: test.npz", f"test: {DIGITS}/test.npz")
    text = re.sub(r"epochs: \d+", "epochs: 0", text) + f"init: {weights}\n"
    (tmp_path / "predict.yaml").write_text(text)
    deployed(tmp_path / "predict.yaml", tmp_path / "predict")
    ran = make(tmp_path / "predict", "run")
    assert ran.status == 0, ran.output
    correct = re.search(r"accuracy (\d+) of 360, golden (\d+)", ran.output)
    assert correct is not None
    assert int(correct[1]) / 360 == pytest.approx(report["accuracy"]["device"])
    with np.load(weights) as file:
        assert {"c1.weight", "fc.bias"} <= set(file)


def test_every_spec_of_the_readme_deploys(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    for index, block in enumerate(blocks):
        model = tmp_path / f"{index}.yaml"
        model.write_text(block)
        deployed(model, tmp_path / f"out{index}", golden=False)
