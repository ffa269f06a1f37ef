"""Training steps of several passes: mini-batches accumulated, and mini-batches that do not fit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Deploy, deployed, lines_with, make
from tests.e2e.test_batches import SPEC, losses_of
from trainlib_deployer.errors import DoesNotFitError
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.project import Project
from trainlib_deployer.report.batching import batching_text
from trainlib_deployer.report.deploy_report import check_document
from trainlib_deployer.spec.model import DeviceOptions

ROOMY = DeviceOptions(cores=3, l1_bytes=1 << 20)


def passes_of(project: Path) -> tuple[int, int]:
    """Samples of a training step, and of a pass."""
    plan = json.loads((project / "plan.json").read_text())
    return plan["batch_size"], plan["pass_samples"]


@pytest.mark.parametrize(
    ("options", "steps", "loss", "l1_kib"),
    [
        ("batch_size: 2\n  accumulate: 2\n  epochs: 2", 4, "cross_entropy", 64),
        # the last step of an epoch: mini-batches of 3 and 2, or one of 3
        ("batch_size: 3\n  accumulate: 2\n  epochs: 2", 4, "mse", 3),
        ("batch_size: 3\n  accumulate: 4\n  epochs: 3\n  drop_last: true", 3, "mse", 64),
        ("batch_size: 1\n  accumulate: 3\n  epochs: 2\n  shuffle: true", 6, "cross_entropy", 5),
        ("batch_size: 2\n  accumulate: 9\n  epochs: 3", 3, "mse, reduction: sum", 64),
        ("batch_size: 2\n  accumulate: 3\n  epochs: 4\n  clip_grad_norm: 0.1", 8, "mse", 64),
    ],
    ids=["whole", "smaller-last", "drop-last", "single", "larger-than-the-data", "clipped"],
)
def test_accumulated_mini_batches_train_as_in_pytorch(
    options: str, steps: int, loss: str, l1_kib: int, deploy_text: Deploy
) -> None:
    text = SPEC.format(loss=loss, options=options)
    if "sum" in loss:
        text = text.replace("lr: 0.05", "lr: 0.002")
    device = DeviceOptions(cores=5, l1_bytes=l1_kib * 1024, l2_bytes=100_000)
    project = deploy_text(text, options=device)
    ran = make(project, "run", "SANITIZE=address,undefined")
    assert ran.status == 0 and "result ok" in ran.output, ran.output
    assert len(losses_of(project)) == steps
    assert set(re.findall(r"check step (\d+)", ran.output)) == {"0", str(steps - 1)}
    # once a pass, and once a step
    whole, each = passes_of(project)
    first = min(whole, 8 if "drop_last" not in options else 6)
    assert len(lines_with(ran.output, ["check step 0, c1.wg: weight_grad c1.weight"])) == -(
        -first // each
    )
    assert len(lines_with(ran.output, ["check step 0, c1.weight.update"])) == 1


STATISTICS = """
name: net
input: {shape: [3, 9, 8]}
layers:
  - {name: c1, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {name: b1, type: batch_norm2d}
  - {name: r1, type: relu}
  - {name: n1, type: layer_norm, normalized_shape: [8, 9, 8]}
  - {type: flatten}
  - {name: fc, type: linear, out_features: 3}
training:
  loss: cross_entropy
  optimizer: {type: adam, lr: 0.01}
  batch_size: 4
  accumulate: 2
  epochs: 4
"""


def test_statistics_are_those_of_each_mini_batch(deploy_text: Deploy) -> None:
    project = deploy_text(STATISTICS)
    assert passes_of(project) == (8, 4)
    for check in ("full", "fingerprint"):
        ran = make(project, "run", f"CHECK={check}")
        assert ran.status == 0, ran.output


def test_statistics_of_a_mini_batch_are_never_those_of_a_part(tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    model.write_text(STATISTICS.replace("accumulate: 2", "seed: 0"), encoding="utf-8")
    peak = plan_project(model, ROOMY).batchings[0].peak_bytes
    with pytest.raises(DoesNotFitError):
        plan_project(model, DeviceOptions(l1_bytes=peak // 4, l2_bytes=peak // 2))


def random_spec(random: np.random.Generator) -> str:
    """A network without kinks."""
    size = [int(n) for n in random.integers([1, 4, 5], [5, 12, 13])]
    channels = int(random.integers(2, 7)) * 2
    norms = [
        "{type: group_norm, num_groups: 2}",
        "{type: batch_norm2d, mode: eval}",
        "{type: instance_norm2d, affine: true}",
        "{type: avg_pool2d, kernel_size: 2}",
    ]
    options = f"batch_size: {random.integers(5, 12)}\n  epochs: 2"
    return f"""
name: net
input: {{shape: {size}}}
layers:
  - {{type: conv2d, out_channels: {channels}, kernel_size: {random.choice([1, 3])}, padding: 1}}
  - {random.choice(norms)}
  - {{type: conv2d, out_channels: {channels}, kernel_size: 3, stride: 2, groups: 2, padding: 1}}
  - {{type: flatten}}
  - {{type: linear, out_features: {random.integers(2, 9)}}}
training:
  loss: mse
  optimizer: {{type: sgd, lr: 0.02}}
  {options}
"""


def in_passes(model: Path, whole: Project) -> DeviceOptions:
    """A device on which a mini-batch has to come in passes, with tiles."""
    room = whole.batchings[0].peak_bytes
    for parts in range(3, 10):
        device = DeviceOptions(cores=3, l1_bytes=room // 3, l2_bytes=room * 2 // parts)
        if plan_project(model, device).graph.passes > 1:
            return device
    raise AssertionError("every device takes the mini-batch as a whole")


@pytest.mark.parametrize("seed", range(4))
def test_gradients_in_passes_are_those_of_the_whole_mini_batch(seed: int, tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    model.write_text(random_spec(np.random.default_rng(seed)), encoding="utf-8")
    whole = plan_project(model, ROOMY)
    assert whole.graph.passes == 1
    trained = []
    for name, device in (("whole", ROOMY), ("passes", in_passes(model, whole))):
        deployed(model, tmp_path / name, options=device)
        ran = make(tmp_path / name, "run")
        assert ran.status == 0 and "result ok" in ran.output, ran.output
        blob = (tmp_path / name / "data" / "trained.bin").read_bytes()[8:]
        trained.append(np.frombuffer(blob, "<f4"))
    assert passes_of(tmp_path / "passes")[1] < passes_of(tmp_path / "whole")[1]
    np.testing.assert_allclose(trained[0], trained[1], rtol=1e-4, atol=1e-5)


def test_check_says_what_each_way_costs(tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    model.write_text(SPEC.format(loss="mse", options="batch_size: 8"), encoding="utf-8")
    device = DeviceOptions(cores=3, l1_bytes=3 << 10, l2_bytes=7 << 10)
    project = plan_project(model, device)
    found = check_document(project)["batching"]
    assert [item["pass_samples"] for item in found] == [8, 4, 2, 1]
    assert found[0]["fits"] is False and found[0]["cycles"] is None
    (chosen,) = (item for item in found if item["chosen"])
    assert chosen["pass_samples"] == project.graph.batch_size < 8
    assert chosen["cycles"] == min(item["cycles"] for item in found if item["cycles"])
    assert "does not fit" in batching_text(found)


FAR = """
name: net
input: {shape: [3, 8, 8]}
layers:
  - {name: c1, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {name: r1, type: relu}
  - {name: c2, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: flatten}
  - {name: fc, type: linear, out_features: 10}
training: {loss: cross_entropy, optimizer: adam, batch_size: 4, accumulate: 2, epochs: 4}
"""

LINEAR = "  - {{name: f{n}, type: linear, out_features: 64}}\n  - {{name: r{n}, type: relu}}\n"
# the updates write the sums too: what is in L2 for them must not be all that a pass leaves
CLIPPED = f"""
name: net
input: {{shape: [64]}}
layers:
{"".join(LINEAR.format(n=n) for n in range(6))}
  - {{name: fc, type: linear, out_features: 10}}
training:
  loss: cross_entropy
  optimizer: {{type: sgd, lr: 0.1, momentum: 0.9}}
  batch_size: 4
  accumulate: 16
  epochs: 4
  clip_grad_value: 0.1
"""


@pytest.mark.parametrize(
    ("text", "l1_kib", "l2_kib"), [(FAR, 8, 84), (CLIPPED, 24, 140)], ids=["adam", "clipped"]
)
def test_gradients_and_state_in_l3_over_passes(
    text: str, l1_kib: int, l2_kib: int, deploy_text: Deploy
) -> None:
    """What one pass has added up has landed in L3 before the next one fetches it."""
    device = DeviceOptions(cores=4, l1_bytes=l1_kib << 10, l2_bytes=l2_kib << 10, l3_bytes=1 << 20)
    project = deploy_text(text, options=device)
    plan = json.loads((project / "plan.json").read_text())
    homes = {b["name"]: b["level"] for b in plan["buffers"]}
    whole, each = passes_of(project)
    assert each < whole and "l3" in homes.values()
    ran = make(project, "run", "DELAYED=1", "SANITIZE=address,undefined")
    assert ran.status == 0 and "result ok" in ran.output, ran.output
