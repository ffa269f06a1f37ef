"""Batch norms that learn nothing, folded into frozen layers: PyTorch does not fold them."""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from tests.conftest import EXAMPLES, Deploy, lines_with, make
from trainlib_deployer.cli import main
from trainlib_deployer.ir.tensor import Kind
from trainlib_deployer.memory.fit import Shrinking
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.project import Project
from trainlib_deployer.render.project import write_project
from trainlib_deployer.spec.model import DeviceOptions

OPTIMIZERS = [{"type": "sgd", "lr": 0.01}, {"type": "adam", "lr": 0.01}]


def random_spec(seed: int) -> dict[str, Any]:
    """Frozen convolutions of all kinds, each with one or two frozen norms, between a layer that
    learns and one of features; no kinks."""
    draw = random.Random(seed)
    channels = draw.randint(1, 4)
    layers: list[dict[str, Any]] = [
        {"type": "conv2d", "out_channels": channels, "kernel_size": 1, "trainable": seed % 2 == 0}
    ]

    def add_norm(type_name: str) -> None:
        affine = draw.random() < 0.7
        fixed = draw.choice([{"mode": "frozen"}, {"mode": "eval", "trainable": False}])
        layers.append(
            {"type": type_name, "affine": affine, "eps": draw.choice([1e-5, 0.1]), **fixed}
        )

    for _ in range(4):
        groups = draw.choice([1, channels])
        channels = groups * draw.randint(1, 8 // groups + 1)
        conv = {
            "type": "conv2d",
            "out_channels": channels,
            "kernel_size": [draw.randint(1, 3), draw.randint(1, 3)],
            "stride": draw.choice([1, 1, [2, 1]]),
            "padding": [draw.randint(0, 2) for _ in range(4)],
            "groups": groups,
            "bias": draw.random() < 0.5,
            "trainable": False,
        }
        layers.append(conv)
        for _ in range(draw.choice([1, 1, 2])):
            add_norm("batch_norm2d")
    layers.append({"type": "flatten"})
    layers.append({"type": "linear", "out_features": 5, "bias": seed % 3 == 0, "trainable": False})
    add_norm("batch_norm1d")
    layers.append({"type": "linear", "out_features": 3})
    training = {"loss": "cross_entropy", "optimizer": OPTIMIZERS[seed % 2], "batch_size": 3}
    training |= {"accumulate": 1 + seed % 2, "epochs": 3}
    size = [draw.randint(1, 3), draw.randint(9, 12), draw.randint(9, 12)]
    return {"name": "net", "input": {"shape": size}, "layers": layers, "training": training}


def planned(folder: Path, spec: dict[str, Any], options: DeviceOptions, **more: Any) -> Project:
    model = folder / "model.yaml"
    model.write_text(yaml.safe_dump(spec, sort_keys=False))
    return plan_project(model, options, **more)


def write_init(project: Project, path: Path) -> None:
    """Statistics far from 0 and 1, and weights of norms of both signs."""
    generator = np.random.default_rng(7)
    values = {}
    for tensor in project.network.state:
        value = generator.normal(size=tensor.shape)
        if tensor.name.endswith("running_var"):
            value = 10.0 ** generator.uniform(-2, 1, tensor.shape)
        elif tensor.kind is Kind.WEIGHT:
            value /= np.sqrt(max(1, value[0].size))
        values[tensor.name] = value.astype(np.float32)
    np.savez(path, **values)


@pytest.mark.parametrize("seed", range(6))
def test_folded_norms_train_as_pytorchs_own(seed: int, tmp_path: Path) -> None:
    spec = random_spec(seed)
    roomy = DeviceOptions(cores=5, l1_bytes=1 << 20)
    project = planned(tmp_path, spec, roomy)
    write_init(project, tmp_path / "init.npz")
    spec["init"] = "init.npz"
    project = planned(tmp_path, spec, roomy)
    if seed % 2:
        less = project.memory.levels["l1"].used - 8
        project = planned(tmp_path, spec, DeviceOptions(cores=3, l1_bytes=less))
        assert project.memory.home == "l2"
    norms = [item for item in spec["layers"] if item["type"].startswith("batch_norm")]
    assert len(norms) == len(project.folds) and all(fold.into for fold in project.folds)
    assert not any("norm" in step.op for step in project.schedule.steps)
    assert not any(tensor.kind is Kind.BUFFER for tensor in project.graph.state)
    write_project(project, tmp_path / "out", golden=True, force=False)
    ran = make(tmp_path / "out", "run", "SANITIZE=address,undefined")
    assert "result ok" in ran.output, ran.output


FROZEN = """
name: net
input: {shape: [2, 5, 5]}
layers:
  - {name: c1, type: conv2d, out_channels: 4, kernel_size: 3, trainable: false}
  - {name: b1, type: batch_norm2d, mode: frozen}
  - {name: f, type: flatten}
  - {name: fc, type: linear, out_features: 3}
training: {loss: cross_entropy, optimizer: {type: sgd, lr: 0.1}}
"""


def test_a_norm_that_is_folded_wrongly_is_found(deploy_text: Deploy) -> None:
    project = deploy_text(FROZEN)
    golden = project / "golden.py"
    right = "(norm.running_var + norm.eps)"
    assert right in golden.read_text()
    golden.write_text(golden.read_text().replace(right, "(norm.running_var + 100 * norm.eps)"))
    ran = make(project, "golden", f"PYTHON={sys.executable}")
    assert ran.status == 0, ran.output
    assert lines_with(make(project, "run").output, ["c1.fw: activation b1", "MISMATCH"])


BRANCHES = """
name: net
input: {{shape: [4, 5]}}
layers:
  - {{name: first, type: batch_norm1d, mode: frozen}}
  - {{name: rows, type: linear, out_features: 4, trainable: false}}
  - {{name: behind_rows, type: batch_norm1d, mode: frozen}}
  - {{name: f, type: flatten}}
  - {{name: one, type: linear, out_features: 6, {trainable}}}
  - {{name: twice, type: batch_norm1d, mode: frozen}}
  - {{name: other, type: batch_norm1d, input: one, mode: frozen}}
  - {{name: sum, type: add, inputs: [twice, other]}}
  - {{name: two, type: linear, out_features: 6, {trainable}}}
  - {{name: behind_two, type: batch_norm1d, mode: frozen}}
  - {{name: behind_norm, type: batch_norm1d, mode: eval}}
  - {{name: r, type: relu}}
  - {{name: behind_relu, type: batch_norm1d, mode: frozen}}
  - {{name: fc, type: linear, out_features: 3}}
training:
  loss: cross_entropy
  optimizer: {{type: sgd, lr: 0.1}}
  parameter_groups: [{{layers: "behind_n*", trainable: {learns}}}]
  {more}
"""
NEVER = {
    "first": "no layer is before it",
    "behind_rows": "rows before it has no weights of each channel",
    "twice": "the output of one has other readers",
    "other": "the output of one has other readers",
    "behind_relu": "r before it has no weights of each channel",
}


@pytest.mark.parametrize(
    ("trainable", "learns", "more", "others"),
    [
        ("trainable: false", "false", "", {"behind_two": None, "behind_norm": None}),
        ("trainable: false", "true", "", {"behind_two": None}),
        (
            "trainable: true", "false", "",
            {"behind_two": "two before it learns",
             "behind_norm": "behind_two before it has no weights of each channel"},
        ),
        ("trainable: true", "true", "epochs: 0", {"behind_two": None, "behind_norm": None}),
    ],
    ids=["frozen", "norm-learns", "layer-learns", "predicts"],
)  # fmt: skip
def test_why_a_norm_is_not_folded_is_said(
    trainable: str, learns: str, more: str, others: dict[str, str | None], tmp_path: Path
) -> None:
    text = BRANCHES.format(trainable=trainable, learns=learns, more=more)
    project = planned(tmp_path, yaml.safe_load(text), DeviceOptions())
    assert {fold.norm: fold.reason for fold in project.folds} == {**NEVER, **others}
    folded = {fold.norm for fold in project.folds if fold.into}
    assert folded == {norm for norm, reason in others.items() if reason is None}
    assert all(fold.into in (None, "two") for fold in project.folds)
    write_project(project, tmp_path / "out", golden=True, force=False)
    ran = make(tmp_path / "out", "run")
    assert ran.status == 0, ran.output


def test_folding_is_said_and_can_be_left_out(tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    model.write_text(FROZEN)
    for command in (["check"], ["explain", "--stage", "graph"]):
        said = CliRunner().invoke(main, [*command, str(model)]).stdout
        assert "b1 is folded into c1" in said
        without = [*command, str(model), "--without", "fold_norms"]
        said = CliRunner().invoke(main, without).stdout
        assert "b1 learns nothing but is not folded: fold_norms is left out" in said
    folded = planned(tmp_path, yaml.safe_load(FROZEN), DeviceOptions())
    whole = planned(
        tmp_path, yaml.safe_load(FROZEN), DeviceOptions(), shrinking=Shrinking(("fold_norms",))
    )
    assert len(whole.schedule.steps) == len(folded.schedule.steps) + 2
    assert folded.savings[0].bytes == folded.savings[0].before - folded.savings[0].after > 0
    write_project(folded, tmp_path / "out", golden=False, force=False)
    assert "- b1 is folded into c1\n" in (tmp_path / "out" / "README.md").read_text()


def test_what_was_folded_goes_back_into_pytorch_as_it_was(tmp_path: Path) -> None:
    """`run --weights` saves what the user's network has, for training or predicting on."""
    folder, weights = EXAMPLES / "new_class", tmp_path / "learned.npz"
    out = tmp_path / "learn"
    runner = CliRunner()
    deployed = runner.invoke(main, [str(folder / "learn.yaml"), "-o", str(out), "-q"])
    assert deployed.exit_code == 0, deployed.output
    words = ["run", str(out), "--weights", str(weights), "--json", "-q"]
    ran = runner.invoke(main, words)
    assert ran.exit_code == 0, ran.output
    with np.load(weights) as new, np.load(folder / "pretrained.npz") as old:
        assert set(new) == set(old)
        same = {name for name in new if np.array_equal(new[name], old[name])}
        assert same == {n for n in old if n[:2] in ("c1", "b1", "c2", "b2") or "running" in n}
    text = (folder / "before.yaml").read_text().replace("pretrained.npz", str(weights))
    text = re.sub(r"(train|test): ", rf"\1: {folder}/", text)
    (tmp_path / "predict.yaml").write_text(text)
    words = [str(tmp_path / "predict.yaml"), "-o", str(tmp_path / "predict"), "--run", "--json"]
    predicted = runner.invoke(main, [*words, "-q"])
    assert predicted.exit_code == 0, predicted.output
    assert json.loads(predicted.stdout)["accuracy"] == json.loads(ran.stdout)["accuracy"]
    (out / "data" / "unfolded.npz").unlink()
    ran = runner.invoke(main, ["run", str(out), "--weights", str(weights), "-q"])
    assert ran.exit_code == 5 and "unfolded.npz is missing or damaged" in ran.output
