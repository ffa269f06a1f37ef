"""Early stopping on validation samples: when training ends, what it ends with, and resuming it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from tests.conftest import deployed, make
from tests.targets.conftest import ready
from trainlib_deployer.cli import main
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.report.documents import document_schema
from trainlib_deployer.spec.model import DeviceOptions


def spec(
    folder: Path,
    *,
    loss: str = "cross_entropy",
    stopping: Any = None,
    bias: bool = True,
    **training: Any,
) -> Path:
    """A model that soon learns its few training samples by heart, some of them wrong."""
    rng = np.random.default_rng(7)
    for name, count in (("train", 12), ("validation", 9), ("test", 7)):
        labels = np.arange(count) % 3
        waves = np.sin(np.arange(60).reshape(2, 6, 5) * (labels[:, None, None, None] + 1))
        x = rng.standard_normal((count, 2, 6, 5)) + 0.6 * waves
        if name == "train":
            labels[:3] = (labels[:3] + 1) % 3
        y = labels if loss == "cross_entropy" else np.eye(3)[labels]
        np.savez(folder / f"{name}.npz", x=x.astype("f4"), y=y)
    conv = {"type": "conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1, "bias": bias}
    document = {
        "name": "net",
        "input": {"shape": [2, 6, 5]},
        "layers": [
            {"name": "c1", **conv},
            {"name": "b1", "type": "batch_norm2d"},
            {"type": "relu"},
            {"type": "flatten"},
            {"name": "fc", "type": "linear", "out_features": 3},
        ],
        "training": {
            "loss": loss,
            "optimizer": {"type": "sgd", "lr": 0.02, "momentum": 0.9},
            "batch_size": 4,
            "epochs": 20,
            "evaluate_every": 2,
            **({"early_stopping": stopping} if stopping else {}),
            **training,
        },
        "data": {name: f"{name}.npz" for name in ("train", "validation", "test")},
    }
    model = folder / "model.yaml"
    model.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return model


def run(project: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["run", str(project), *options])


def ran(project: Path) -> dict[str, Any]:
    """The document of a run that agrees."""
    result = run(project, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    jsonschema.validate(document, document_schema("run"))
    return document


def ending(values: list[float], patience: int, min_delta: float) -> tuple[int, int]:
    """Which evaluation is the best, and which the last one; from 1."""
    best = 0
    for i, value in enumerate(values):
        if i == 0 or values[best] - value > min_delta:
            best = i
        if i - best == patience:
            return best + 1, i + 1
    return best + 1, len(values)


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "L1": ({"stopping": {"patience": 3}}, {}),
    "tiles": (
        {"stopping": {"patience": 2, "min_delta": 0.01}, "batch_size": 3},
        {"l1_bytes": 3000},
    ),
    "accuracy": ({"stopping": {"patience": 4, "monitor": "accuracy"}}, {}),
    "mse by adam in L3": (
        # without a bias that rounding alone would move
        {"loss": "mse", "stopping": {"patience": 2}, "optimizer": {"type": "adam", "lr": 0.01},
         "bias": False},
        {"l1_bytes": 3000, "l2_bytes": 7000, "l3_bytes": 100_000},
    ),
    "passes": ({"stopping": {"patience": 2}, "accumulate": 2, "batch_size": 2}, {}),
    "to the end": ({"stopping": {"patience": 100}, "max_steps": 13}, {}),
    "single samples": (
        {"stopping": {"patience": 3}, "batch_size": 1, "evaluate_every": 5,
         "optimizer": {"type": "sgd", "lr": 0.002}},
        {"l1_bytes": 2500},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_training_ends_as_in_pytorch_with_the_best_state(name: str, tmp_path: Path) -> None:
    options, sizes = CASES[name]
    stopping = options["stopping"]
    model = spec(tmp_path, **options)
    device = DeviceOptions(cores=3, **{"l2_bytes": 100_000, **sizes})
    project = deployed(model, tmp_path / "out", options=device)
    assert project.memory.home == ("l3" if "L3" in name else "l2" if sizes else "l1")
    document = ran(tmp_path / "out")
    evaluations, found = document["evaluations"], document["early_stopping"]
    assert {item["data"] for item in evaluations} == {"validation"}
    monitor = stopping.get("monitor", "loss")
    sign = 1 if monitor == "loss" else -1
    values = [sign * item["device"][monitor] for item in evaluations]
    best, last = ending(values, stopping["patience"], stopping.get("min_delta", 0.0))
    every = project.evaluate_every
    assert len(evaluations) == last
    assert found["best"]["step"] == best * every
    assert found["best"]["device"] == sign * values[best - 1]
    assert found["stopped"] == (last - best == stopping["patience"]) == (name != "to the end")
    assert found["planned_steps"] == project.training_steps
    assert document["steps"] == (last * every if found["stopped"] else project.training_steps)
    assert found["restored"] and document["profile"]
    assert best > 1  # or the cases above are too simple
    # the same bits as where training ended there
    deployed(model, tmp_path / "best", options=device, steps=best * every)
    make(tmp_path / "best", "run")
    blobs = [(tmp_path / n / "data" / "trained.bin").read_bytes() for n in ("out", "best")]
    assert blobs[0] == blobs[1]


def test_the_last_state_is_kept_where_the_best_is_not_asked_for(tmp_path: Path) -> None:
    stopping = {"patience": 3, "restore_best_weights": False}
    model = spec(tmp_path, stopping=stopping, evaluate_every=None)
    project = deployed(model, tmp_path / "out")
    assert project.evaluate_every == 3  # an epoch
    document = ran(tmp_path / "out")
    found = document["early_stopping"]
    assert found["stopped"] and not found["restored"]
    assert found["best"]["step"] == document["steps"] - 9
    text = run(tmp_path / "out").stdout
    assert f"ended after step {document['steps']} of 60, as 3 evaluations did not improve" in text
    deployed(model, tmp_path / "last", steps=document["steps"])
    make(tmp_path / "last", "run")
    blobs = [(tmp_path / n / "data" / "trained.bin").read_bytes() for n in ("out", "last")]
    assert blobs[0] == blobs[1]


def test_validation_samples_alone_are_reported_each_epoch(tmp_path: Path) -> None:
    model = spec(tmp_path, evaluate_every=None, epochs=2)
    model.write_text(model.read_text().replace("  test: test.npz\n", ""), encoding="utf-8")
    deployed(model, tmp_path / "out")
    document = ran(tmp_path / "out")
    assert [(item["step"], item["data"]) for item in document["evaluations"]] == [
        (3, "validation"),
        (6, "validation"),
    ]
    assert document["evaluations"][0]["device"]["accuracy"] is not None
    assert document["early_stopping"] is None and document["accuracy"] is None


@pytest.mark.parametrize("target", ["qemu-riscv32", "cortex-m4", "gvsoc"])
def test_simulated_targets_stop_and_go_back(target: str, tmp_path: Path) -> None:
    model = spec(tmp_path, **CASES["single samples"][0])
    ready(target)
    options = DeviceOptions(cores=1 if "cortex" in target else 4, l1_bytes=13_000)
    deployed(model, tmp_path / "out", options=options, target=target)
    found = ran(tmp_path / "out")["early_stopping"]
    assert found["stopped"] and found["restored"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("- value > 0.0f", "- value > 0.02f", "it waits, PyTorch improves"),
        (">= 3;", ">= 2;", "it stops, PyTorch waits"),
        (">= 3;", ">= 4;", "it waits, PyTorch stops"),
    ],
)
def test_a_decision_that_is_not_pytorchs_differs(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    deployed(spec(tmp_path, stopping={"patience": 3}), tmp_path / "out")
    source = tmp_path / "out" / "src" / "net.c"
    assert source.read_text().count(old) == 1
    source.write_text(source.read_text().replace(old, new))
    result = run(tmp_path / "out")
    assert result.exit_code == 6, result.output
    assert f": {message}." in result.stdout


def test_where_values_are_nearly_tied_the_run_goes_on_as_pytorch(tmp_path: Path) -> None:
    # nothing is learned: the loss stays as it is, but for what rounding could do
    model = spec(tmp_path, stopping={"patience": 3}, optimizer={"type": "sgd", "lr": 0.0})
    text = model.read_text().replace("type: batch_norm2d", "type: batch_norm2d\n  mode: eval")
    model.write_text(text, encoding="utf-8")
    deployed(model, tmp_path / "out")
    source = tmp_path / "out" / "src" / "samples.h"
    line = "    found->loss = sum / (float)samples;\n"
    assert source.read_text().count(line) == 1
    rounding = "    static int times;\n    found->loss *= 1.0f - 1e-5f * (float)times++;\n"
    source.write_text(source.read_text().replace(line, line + rounding))
    document = ran(tmp_path / "out")
    found = document["early_stopping"]
    assert found["stopped"] and found["best"]["step"] == 2 and document["steps"] == 8
    assert [note for note in document["notes"] if "step 8: whether it improves" in note]


def test_an_evaluation_that_is_not_finite_is_no_improvement(tmp_path: Path) -> None:
    model = spec(tmp_path, stopping={"patience": 3}, loss="mse")
    with np.load(tmp_path / "validation.npz") as file:
        x, y = file["x"], file["y"]
    np.savez(tmp_path / "validation.npz", x=x * np.float32(1e25), y=y)
    deployed(model, tmp_path / "out")
    document = ran(tmp_path / "out")
    assert document["steps"] == 6 and document["early_stopping"]["best"] is None
    assert not document["early_stopping"]["restored"]
    assert "step 6 of 60" in (text := run(tmp_path / "out").stdout)
    assert "without a finite evaluation" in text


def test_training_that_is_not_finite_keeps_what_was_before(tmp_path: Path) -> None:
    model = spec(
        tmp_path,
        loss="mse",
        stopping={"patience": 30},
        optimizer={"type": "sgd", "lr": 3.0, "momentum": 0.9},
    )
    deployed(model, tmp_path / "out")
    assert run(tmp_path / "out").exit_code == 5
    step = len(json.loads((tmp_path / "out" / "data" / "golden.json").read_text())["loss"])
    assert step > 2
    model.write_text(
        model.read_text().replace("patience: 30", "patience: 30\n    restore_best_weights: false")
    )
    deployed(model, tmp_path / "before", steps=step)
    make(tmp_path / "before", "run")
    blobs = [(tmp_path / n / "data" / "trained.bin").read_bytes() for n in ("out", "before")]
    assert blobs[0] == blobs[1]


RESUME = """
#include "net.h"
#include "tl/data.h"
#include "tl/port.h"
#include "tl/print.h"

/* trains from the state that data/state.bin begins with, up to step END or an early end */
static uint32_t state[(NET_STATE_BYTES + 3) / 4];
static float x[NET_BATCH][NET_INPUT_COUNT];
static net_target target[NET_BATCH][NET_TARGET_COUNT];
static float y[NET_OUTPUT_COUNT];

static int evaluate(void)
{
    float sum = 0.0f;
    int improves;

    for (uint32_t i = 0; i < 9; i++) {
        tl_data_read(TL_DATA_VALIDATION_X, i * sizeof x[0], x[0], sizeof x[0]);
        tl_data_read(TL_DATA_VALIDATION_Y, i * sizeof target[0], target[0], sizeof target[0]);
        sum += net_evaluate(x[0], target[0], y);
    }
    improves = net_improves(sum / 9.0f);
    tl_print_str(improves ? "improves\\n" : "waits\\n");
    return net_count_evaluation(sum / 9.0f, improves);
}

int main(void)
{
    tl_team_open(NET_CORES);
    net_init();
    tl_data_read(TL_DATA_STATE, 0, state, NET_STATE_BYTES);
    if (net_load(state) != 0) {
        return 1;
    }
    for (uint32_t i = FIRST; i < END; i++) {
        const uint32_t batch = i % 3;

        tl_data_read(TL_DATA_TRAIN_X, batch * sizeof x, x, sizeof x);
        tl_data_read(TL_DATA_TRAIN_Y, batch * sizeof target, target, sizeof target);
        net_train_step(x[0], target[0], NET_BATCH);
        if (i % 2 == 1 && evaluate()) {
            tl_print_str("ends\\n");
            break;
        }
    }
    net_save(state);
    tl_team_close();
    return tl_data_write(TL_DATA_TRAINED, 0, state, NET_STATE_BYTES) != NET_STATE_BYTES;
}
"""


def test_training_that_is_resumed_decides_as_training_through(tmp_path: Path) -> None:
    out = tmp_path / "out"
    deployed(spec(tmp_path, stopping={"patience": 3}), out)
    document = ran(out)
    steps, best = document["steps"], document["early_stopping"]["best"]["step"]

    def train(first: int, end: int) -> tuple[list[str], bytes]:
        limits = f"#define FIRST {first}\n#define END {end}\n"
        (out / "src" / "main.c").write_text(limits + RESUME)
        ran = make(out, "run")
        assert ran.status == 0, ran.output
        return ran.output.split(), (out / "data" / "trained.bin").read_bytes()

    through = train(0, 100)
    assert through[0][-5:] == ["improves", "waits", "waits", "waits", "ends"]
    assert len(through[0]) == steps // 2 + 1
    # in the middle of waiting
    first, half = train(0, best + 3)
    (out / "data" / "state.bin").write_bytes(half)
    rest, whole = train(best + 3, 100)
    assert (first + rest, whole) == through
    # after the end: one evaluation more, unless it improves
    (out / "data" / "state.bin").write_bytes(whole)
    assert train(steps, 100)[0] == ["waits", "ends"]


def test_what_is_counted_is_planned_and_saved(tmp_path: Path) -> None:
    model = spec(tmp_path, stopping={"patience": 3})
    project = plan_project(model, DeviceOptions())
    assert project.graph.persistent[-1].name == "early_stopping.best"
    assert "early_stopping.best" in project.memory.homes
