"""Gradients clipped by value and by norm, in whole projects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import deployed, lines_with, make
from tests.e2e.test_optimizers import spec_with
from trainlib_deployer.ir.tensor import Kind
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.report.clipping_cost import clipping_text
from trainlib_deployer.report.deploy_report import check_document
from trainlib_deployer.spec.model import DeviceOptions

CLIPS: list[dict[str, float]] = [
    {"clip_grad_value": 0.01},
    {"clip_grad_norm": 0.1},
    {"clip_grad_norm": 1e6},  # never reached
]


@pytest.mark.parametrize("clip", CLIPS, ids=str)
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "sign_sgd"])
def test_a_network_with_clipped_gradients_trains_as_in_pytorch(
    optimizer: str, clip: dict[str, Any], tmp_path: Path
) -> None:
    model = tmp_path / "model.yaml"
    text = spec_with({"type": optimizer, "lr": 0.01}, batch_size=3, **clip)
    model.write_text(text, encoding="utf-8")
    project = plan_project(model, DeviceOptions(cores=5))
    # a little less L1: gradients come in tiles
    less = project.memory.levels["l1"].used - 8
    options = DeviceOptions(cores=3, l1_bytes=less)
    project = deployed(model, tmp_path / "out", options=options)
    assert project.memory.home == "l2"
    for flags in (("SANITIZE=address,undefined",), ("CHECK=fingerprint",)):
        ran = make(tmp_path / "out", "run", *flags)
        assert ran.status == 0 and "result ok" in ran.output, ran.output
        compared = lines_with(ran.output, ["check step", "clipped_grad", "ok"])
        assert len(compared) >= 2 * 4


@pytest.mark.parametrize("clip", CLIPS, ids=str)
def test_the_norm_keeps_all_gradients_and_the_value_none(
    clip: dict[str, Any], tmp_path: Path
) -> None:
    model = tmp_path / "model.yaml"
    spec = yaml.safe_load(spec_with({"type": "sgd", "lr": 0.05}, **clip))
    spec["layers"][2:2] = [{"type": "linear", "out_features": 20}] * 4
    model.write_text(yaml.safe_dump(spec), encoding="utf-8")
    project = plan_project(model, DeviceOptions(cores=2))
    steps = [step.name for step in project.schedule.steps]
    gradients = [item for item in project.memory.allocations if item.kind == Kind.WEIGHT_GRAD.value]
    alive = max(
        sum(item.first <= index < item.last for item in gradients) for index in range(len(steps))
    )
    by_norm = "clip_grad_norm" in clip
    assert alive == (len(project.graph.learning) if by_norm else 2)
    found = check_document(project)["clipping"]
    assert found["kept_bytes"] == (sum(p.bytes for p in project.graph.learning) if by_norm else 0)
    assert found["peak_bytes"] > found["peak_bytes_without"]
    assert f"{found['by']} {found['limit']:g} keeps" in clipping_text(found)


def test_an_error_in_the_norm_is_found(tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    text = spec_with({"type": "sgd", "lr": 0.05}, clip_grad_norm=0.1)
    model.write_text(text, encoding="utf-8")
    deployed(model, tmp_path / "out")
    source = tmp_path / "out" / "src" / "net.c"
    text = source.read_text()
    assert ".max_norm = 0.1f" in text
    source.write_text(text.replace(".max_norm = 0.1f", ".max_norm = 0.1001f"))
    ran = make(tmp_path / "out", "run")
    found = lines_with(ran.output, ["MISMATCH"])
    assert "clipped_grad" in found[0], found[:3]
