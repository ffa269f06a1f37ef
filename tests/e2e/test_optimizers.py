"""Every optimizer, as the registry knows it, in a whole project: its state planned and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import lines_with, make
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.render.project import write_project
from trainlib_deployer.spec.model import DeviceOptions

# options that keep more, or go another way
MORE: dict[str, list[dict[str, Any]]] = {
    "sgd": [
        {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01},
        {"momentum": 0.9, "nesterov": True},
    ],
    "adam": [{"weight_decay": 0.01, "betas": [0.5, 0.9]}],
    "rmsprop": [{"momentum": 0.9, "centered": True, "weight_decay": 0.01}],
    "adagrad": [{"lr_decay": 0.1}],
    "sign_sgd": [{"weight_decay": 0.1}],
}
CASES = [
    {"type": name, "lr": 0.01, **more} for name in OPTIMIZERS for more in [{}, *MORE.get(name, [])]
]


SCHEDULES: list[tuple[dict[str, Any], str]] = [
    ({"type": "cosine", "t_max": 30, "warmup": 4}, "sgd"),
    ({"type": "step", "step_size": 2, "gamma": 0.5, "interval": "epoch"}, "adam"),
    ({"type": "multi_step", "milestones": [5, 20]}, "rmsprop"),
    ({"type": "constant", "warmup": 10}, "adagrad"),
]


def spec_with(optimizer: dict[str, Any], **training: object) -> str:
    spec: dict[str, Any] = {
        "name": "net",
        "input": {"shape": [30]},
        "layers": [
            {"name": "fc1", "type": "linear", "out_features": 20},
            {"type": "relu"},
            {"name": "fc2", "type": "linear", "out_features": 3},
        ],
        "training": {"loss": "cross_entropy", "optimizer": optimizer, "epochs": 6, "max_steps": 41},
    }
    spec["training"] |= training
    return yaml.safe_dump(spec, sort_keys=False)


@pytest.mark.parametrize("optimizer", CASES, ids=lambda o: f"{o['type']}-{len(o) - 2}")
def test_a_network_trains_as_in_pytorch(optimizer: dict[str, Any], tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    model.write_text(spec_with(optimizer), encoding="utf-8")
    project = plan_project(model, DeviceOptions(cores=5))
    state = {tensor.name for tensor in project.graph.optimizer_state}
    assert state <= set(project.memory.homes)
    # a little less L1: state lives in L2, and is brought to L1
    less = project.memory.levels["l1"].used - 8
    project = plan_project(model, DeviceOptions(cores=3, l1_bytes=less))
    assert project.memory.home == "l2"
    write_project(project, tmp_path / "out", golden=True, force=False)
    for options in (("SANITIZE=address,undefined",), ("CHECK=fingerprint",)):
        ran = make(tmp_path / "out", "run", *options)
        assert "result ok" in ran.output, ran.output
        assert ran.status == 0
        compared = lines_with(ran.output, ["check step", "optimizer_state", "ok"])
        assert len(compared) == 2 * len(state)


@pytest.mark.parametrize(("schedule", "optimizer"), SCHEDULES, ids=lambda v: str(v)[:18])
def test_a_network_trains_by_a_schedule_as_in_pytorch(
    schedule: dict[str, Any], optimizer: str, tmp_path: Path
) -> None:
    model = tmp_path / "model.yaml"
    # epochs are of the mini-batches that come: two of these
    batches = {"batch_size": 3, "drop_last": True} if "interval" in schedule else {}
    text = spec_with({"type": optimizer, "lr": 0.05}, schedule=schedule, **batches)
    model.write_text(text, encoding="utf-8")
    write_project(plan_project(model, DeviceOptions()), tmp_path / "out", golden=True, force=False)
    ran = make(tmp_path / "out", "run")
    assert ran.status == 0 and "result ok" in ran.output, ran.output


@pytest.mark.parametrize("check", ["full", "fingerprint"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (".beta1 = 0.9f", ".beta1 = 0.8f"),
        (".eps = 1e-08f", ".eps = 1e-03f"),
        ("tl_adam_rate(optimizer_rate, 0.01f", "tl_adam_rate(optimizer_rate, -0.01f"),
    ],
    ids=["beta", "eps", "sign"],
)
def test_an_error_in_an_update_is_found_although_it_amplifies_rounding(
    old: str, new: str, check: str, tmp_path: Path
) -> None:
    model = tmp_path / "model.yaml"
    model.write_text(spec_with({"type": "adam", "lr": 0.01}), encoding="utf-8")
    write_project(plan_project(model, DeviceOptions()), tmp_path / "out", golden=True, force=False)
    source = tmp_path / "out" / "src" / "net.c"
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new))
    ran = make(tmp_path / "out", "run", f"CHECK={check}")
    found = [line for line in ran.output.splitlines() if "MISMATCH" in line]
    assert ".update:" in found[0], found[:3]
