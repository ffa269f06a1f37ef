"""Every optimizer, as the registry knows it, in a whole project: its state planned and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import deployed, lines_with, make
from trainlib_deployer.ir.step import Phase
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.pipeline import plan_project
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
    options = DeviceOptions(cores=3, l1_bytes=less)
    project = deployed(model, tmp_path / "out", options=options)
    assert project.memory.home == "l2"
    for flags in (("SANITIZE=address,undefined",), ("CHECK=fingerprint",)):
        ran = make(tmp_path / "out", "run", *flags)
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
    deployed(model, tmp_path / "out")
    ran = make(tmp_path / "out", "run")
    assert ran.status == 0 and "result ok" in ran.output, ran.output


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_a_scheduled_update_is_fused_too(weight_decay: float, tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    optimizer = {"type": "sgd", "lr": 0.05, "weight_decay": weight_decay}
    text = spec_with(optimizer, schedule={"type": "cosine", "t_max": 30}, batch_size=3)
    model.write_text(text, encoding="utf-8")
    project = deployed(model, tmp_path / "out")
    assert not [step for step in project.schedule.steps if step.phase is Phase.UPDATE]
    ran = make(tmp_path / "out", "run", "SANITIZE=address,undefined")
    assert ran.status == 0 and "result ok" in ran.output, ran.output


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "sign_sgd"])
def test_parameter_groups_train_as_in_pytorch(optimizer: str, tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    text = spec_with(
        {"type": optimizer, "lr": 0.02, "weight_decay": 0.1},
        schedule={"type": "step", "step_size": 10},
        weight_decay_on="weights",
        parameter_groups=[
            {"layers": "fc1", "lr": 0.001},
            {"layers": ["f*"], "lr": 0.05, "weight_decay": 0.3},
        ],
    )
    spec = yaml.safe_load(text)
    spec["input"]["shape"] = [5, 6]
    norm = {"name": "n1", "type": "layer_norm", "normalized_shape": [5, 6]}
    spec["layers"][:0] = [norm, {"type": "flatten"}]
    model.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    project = deployed(model, tmp_path / "out")
    training = project.graph.training
    assert training
    own = {name: (r.optimizer.lr, r.optimizer.weight_decay) for name, r in training.rules.items()}
    assert own == {
        "n1.weight": (0.02, 0.0),
        "n1.bias": (0.02, 0.0),
        "fc1.weight": (0.001, 0.1),
        "fc1.bias": (0.001, 0.0),
        "fc2.weight": (0.05, 0.3),  # the first group that matches
        "fc2.bias": (0.05, 0.0),
    }
    ran = make(tmp_path / "out", "run")
    assert ran.status == 0 and "result ok" in ran.output, ran.output


def test_a_frozen_group_keeps_no_state(tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    groups = [{"layers": "fc1", "trainable": False}]
    model.write_text(spec_with({"type": "adam"}, parameter_groups=groups), encoding="utf-8")
    graph = plan_project(model, DeviceOptions()).graph
    assert {tensor.name.partition(".")[0] for tensor in graph.optimizer_state} == {"fc2"}


RESUME = """
#include "net.h"
#include "tl/data.h"
#include "tl/port.h"

enum { BATCHES = 8 / NET_BATCH };

/* trains steps [FIRST, LAST) from the state that data/state.bin begins with */
static uint32_t state[(NET_STATE_BYTES + 3) / 4];
static float x[NET_BATCH][NET_INPUT_COUNT];
static net_target target[NET_BATCH][NET_TARGET_COUNT];

int main(void)
{
    tl_team_open(NET_CORES);
    net_init();
    tl_data_read(TL_DATA_STATE, 0, state, NET_STATE_BYTES);
    if (net_load(state) != 0) {
        return 1;
    }
    for (int i = FIRST; i < LAST; i++) {
        const uint32_t batch = (uint32_t)i % BATCHES;

        tl_data_read(TL_DATA_TRAIN_X, batch * sizeof x, x, sizeof x);
        tl_data_read(TL_DATA_TRAIN_Y, batch * sizeof target, target, sizeof target);
#if NET_BATCH > 1
        net_train_step(x[0], target[0], NET_BATCH);
#else
        net_train_step(x[0], target[0]);
#endif
    }
    net_save(state);
    tl_team_close();
    return tl_data_write(TL_DATA_TRAINED, 0, state, NET_STATE_BYTES) != NET_STATE_BYTES;
}
"""


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_training_stopped_and_resumed_gives_the_bits_of_training_through(
    optimizer: str, tmp_path: Path
) -> None:
    model, out = tmp_path / "model.yaml", tmp_path / "out"
    more = {} if optimizer == "adam" else {"momentum": 0.9}
    schedule = {"type": "cosine", "t_max": 30, "warmup": 3}
    spec = yaml.safe_load(spec_with({"type": optimizer, "lr": 0.02, **more}, schedule=schedule))
    if optimizer == "adam":  # running statistics are state too
        spec["layers"].insert(1, {"name": "n1", "type": "batch_norm1d"})
        spec["training"] |= {"batch_size": 4, "epochs": 20}
    if optimizer == "rmsprop":
        spec["training"] |= {"batch_size": 2, "accumulate": 2, "epochs": 20}
    text = yaml.safe_dump(spec, sort_keys=False)
    model.write_text(text, encoding="utf-8")
    deployed(model, out)

    def train(first: int, last: int) -> bytes:
        limits = f"#define FIRST {first}\n#define LAST {last}\n"
        (out / "src" / "main.c").write_text(limits + RESUME)
        ran = make(out, "run")
        assert ran.status == 0, ran.output
        return (out / "data" / "trained.bin").read_bytes()

    through, half = train(0, 40), train(0, 17)
    assert half != through
    (out / "data" / "state.bin").write_bytes(half)
    assert train(17, 40) == through


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
    deployed(model, tmp_path / "out")
    source = tmp_path / "out" / "src" / "net.c"
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new))
    ran = make(tmp_path / "out", "run", f"CHECK={check}")
    found = lines_with(ran.output, ["MISMATCH"])
    assert ".update:" in found[0], found[:3]
