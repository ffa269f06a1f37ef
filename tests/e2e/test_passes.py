"""Each pass proves itself: the same bits with it and without it, and fewer bytes alive."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import make
from trainlib_deployer.errors import DoesNotFitError
from trainlib_deployer.ir.step import LoopKind, Step
from trainlib_deployer.ir.tensor import Kind
from trainlib_deployer.memory.fit import PASS_NAMES, Remat, Shrinking
from trainlib_deployer.passes.liveness import peak_bytes
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.project import Project
from trainlib_deployer.render.project import write_project
from trainlib_deployer.spec.model import DeviceOptions

# large images in branches that join
IMAGES = """
name: images
input: {shape: [3, 17, 13]}
layers:
  - {name: c1, type: conv2d, out_channels: 7, kernel_size: 3, padding: 1}
  - {name: r1, type: relu}
  - {name: c2, type: conv2d, out_channels: 7, kernel_size: 3, padding: [0, 2, 1, 1]}
  - {name: c3, type: conv2d, input: r1, out_channels: 7, kernel_size: 1}
  - {name: a1, type: add, inputs: [c2, c3]}
  - {name: r2, type: leaky_relu}
  - {name: c4, type: conv2d, out_channels: 5, kernel_size: 3, padding: 1}
  - {name: r3, type: relu}
  - {name: p1, type: max_pool2d, kernel_size: 2}
  - {name: c5, type: conv2d, out_channels: 5, kernel_size: 3}
  - {name: a2, type: avg_pool2d, kernel_size: 2}
  - {name: f, type: flatten}
  - {name: l1, type: linear, out_features: 5}
training: {loss: cross_entropy, optimizer: {type: sgd, lr: 0.02}, epochs: 2}
"""
# weights larger than all else
WEIGHTS = """
name: weights
input: {shape: [2, 7, 7]}
layers:
  - {name: c1, type: conv2d, out_channels: 13, kernel_size: 3, padding: 1}
  - {name: r1, type: relu}
  - {name: c2, type: conv2d, out_channels: 23, kernel_size: 3, padding: 1}
  - {name: r2, type: relu}
  - {name: p1, type: max_pool2d, kernel_size: 3, stride: 2}
  - {name: f, type: flatten}
  - {name: l1, type: linear, out_features: 19}
  - {name: r3, type: relu}
  - {name: l2, type: linear, out_features: 5}
training: {loss: cross_entropy, optimizer: {type: sgd, lr: 0.02}, epochs: 2}
"""
LARGE = DeviceOptions(cores=3, l1_bytes=1 << 20, l2_bytes=0)
SLICING = ("slice_updates", "row_updates")


def planned(
    folder: Path, options: DeviceOptions, shrinking: Shrinking, spec: str = IMAGES
) -> Project:
    model = folder / "model.yaml"
    model.write_text(spec, encoding="utf-8")
    return plan_project(model, options, shrinking=shrinking)


def trained(folder: Path, project: Project) -> bytes:
    """The parameters after training, on a build that stops at the first wild access."""
    write_project(project, folder / "out", golden=True, force=True)
    ran = make(folder / "out", "run", "SANITIZE=address,undefined")
    assert "result ok" in ran.output, ran.output
    return (folder / "out" / "data" / "trained.bin").read_bytes()


@cache
def plainly_trained(spec: str, fused: bool) -> bytes:
    """The parameters that the schedule without any pass trains, or with fused updates alone."""
    needed = {"update_at_once", "fuse_updates"} if fused else set()
    with tempfile.TemporaryDirectory() as folder:
        shrinking = Shrinking([name for name in PASS_NAMES if name not in needed])
        return trained(Path(folder), planned(Path(folder), LARGE, shrinking, spec))


def trains_the_same(folder: Path, project: Project, spec: str = IMAGES) -> bool:
    """To the bit; but for the last ones where a sum is made in parts, one a tile."""
    got = np.frombuffer(trained(folder, project), np.float32)[2:]
    fused = any(step.gradients for step in project.schedule.steps)
    wanted = np.frombuffer(plainly_trained(spec, fused), np.float32)[2:]
    if any(_splits_a_sum(project, step) for step in project.schedule.steps):
        return bool(np.allclose(got, wanted, rtol=1e-5, atol=1e-6))
    return got.tobytes() == wanted.tobytes()


def _splits_a_sum(project: Project, step: Step) -> bool:
    sums = {loop.name for loop in step.loops if loop.kind is LoopKind.REDUCTION}
    return any(loop.name in sums for loop in project.memory.tiles[step.name].loops)


def peak(project: Project) -> int:
    return peak_bytes(project.graph, project.schedule)


def saved(project: Project, name: str) -> int:
    return next(saving.bytes for saving in project.savings if saving.name == name)


@pytest.mark.parametrize("name", ["update_at_once", "saved_outputs", "views", "in_place"])
def test_leaving_out_a_pass_costs_bytes_and_changes_no_bit(name: str, tmp_path: Path) -> None:
    project = planned(tmp_path, LARGE, Shrinking((name,)))
    best = planned(tmp_path, LARGE, Shrinking())
    fewer = len(best.schedule.steps) < len(project.schedule.steps)
    assert peak(best) < peak(project) or (name == "views" and fewer)
    assert trains_the_same(tmp_path, project)


def test_a_better_order_saves_bytes_and_changes_no_bit(tmp_path: Path) -> None:
    others = [item for item in PASS_NAMES if item != "reorder"]
    project = planned(tmp_path, LARGE, Shrinking(others))
    assert saved(project, "reorder") > 0
    assert trains_the_same(tmp_path, project)


def test_all_passes_together_change_no_bit(tmp_path: Path) -> None:
    project = planned(tmp_path, LARGE, Shrinking())
    assert saved(project, "update_at_once") > 0
    assert trains_the_same(tmp_path, project)


def test_a_fused_update_saves_every_weight_gradient(tmp_path: Path) -> None:
    without = planned(tmp_path, LARGE, Shrinking(("fuse_updates", *SLICING)), WEIGHTS)
    project = planned(tmp_path, LARGE, Shrinking(SLICING), WEIGHTS)
    assert saved(project, "fuse_updates") > 0 and peak(project) < peak(without)
    assert not any(t.kind is Kind.WEIGHT_GRAD for s in project.schedule.steps for t in s.tensors)
    assert trains_the_same(tmp_path, project, WEIGHTS)


@pytest.mark.parametrize("level", ["l1", "l2"])
@pytest.mark.parametrize("slicing", SLICING)
def test_slices_of_gradients_change_no_bit(slicing: str, level: str, tmp_path: Path) -> None:
    """In memory that whole gradients overflow: L1 alone, or L2."""
    l1_bytes = 1 << 20 if level == "l1" else 16 * 1024
    roomy = DeviceOptions(cores=3, l1_bytes=l1_bytes, l2_bytes=0 if level == "l1" else 1 << 20)
    never = ("fuse_updates", "rematerialise")
    whole = planned(tmp_path, roomy, Shrinking((*SLICING, *never)), WEIGHTS)
    tight = replace(roomy, **{f"{level}_bytes": whole.memory.levels[level].used - 8})
    with pytest.raises(DoesNotFitError):
        planned(tmp_path, tight, Shrinking((*SLICING, *never)), WEIGHTS)
    others = [name for name in SLICING if name != slicing]
    project = planned(tmp_path, tight, Shrinking((*others, *never)), WEIGHTS)
    assert project.memory.home == level
    assert saved(project, slicing) > 0
    assert trains_the_same(tmp_path, project, WEIGHTS)


@pytest.mark.parametrize("remat", [Remat(), Remat(peak_bytes=29_000)])
def test_activations_made_again_change_no_bit(remat: Remat, tmp_path: Path) -> None:
    project = planned(tmp_path, LARGE, Shrinking(remat=remat))
    done = next(saving for saving in project.savings if saving.name == "rematerialise")
    assert done.bytes > 0 and done.extra_macs > 0
    assert trains_the_same(tmp_path, project)


def test_what_fits_no_other_way_is_made_again_unasked(tmp_path: Path) -> None:
    lowest = planned(tmp_path, LARGE, Shrinking(remat=Remat())).memory.levels["l1"].used
    tight = DeviceOptions(cores=3, l1_bytes=lowest, l2_bytes=0)
    project = planned(tmp_path, tight, Shrinking())
    assert saved(project, "rematerialise") > 0


def test_homes_in_three_levels_change_no_bit(tmp_path: Path) -> None:
    options = DeviceOptions(cores=3, l1_bytes=14 * 1024, l2_bytes=18 * 1024, l3_bytes=1 << 20)
    project = planned(tmp_path, options, Shrinking())
    homes = {place.level for place in project.memory.homes.values()}
    assert homes == {"l1", "l2", "l3"}
    assert trains_the_same(tmp_path, project)
