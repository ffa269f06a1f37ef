"""Steps for parts of the mini-batch: what each is, and the order in which they run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.kernel_rows import layer_steps
from tests.unit.test_per_sample import LAYER_CASES
from trainlib_deployer.errors import DoesNotFitError, PlanError
from trainlib_deployer.ir.samples import batch_loop, parts_of, samples_step
from trainlib_deployer.ir.step import Phase
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers.base import Layer
from trainlib_deployer.lowering.program import Span
from trainlib_deployer.lowering.verify import verify_program
from trainlib_deployer.memory.fit import Shrinking
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.project import Project
from trainlib_deployer.spec.model import DeviceOptions

BATCH = 5
# a skip around a convolution and its norm, as in ResNet8
SPEC = """
name: residual
input: {shape: [3, 12, 12]}
layers:
  - {name: c1, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1, bias: false}
  - {name: b1, type: batch_norm2d}
  - {name: r1, type: relu}
  - {name: c2, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {name: b2, type: batch_norm2d}
  - {name: a1, type: add, inputs: [r1, b2]}
  - {name: r2, type: relu}
  - {name: c3, type: conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: [0, 1, 0, 1]}
  - {name: b3, type: batch_norm2d}
  - {name: r3, type: relu}
  - {name: p3, type: adaptive_avg_pool2d, output_size: 1}
  - {type: flatten}
  - {name: fc, type: linear, out_features: 4}
training:
  loss: cross_entropy
  optimizer: {type: sgd, lr: 0.02, momentum: 0.9}
  batch_size: 7
  epochs: 2
"""
KIB = 1024
# the mini-batch has 31.5 KiB of each layer's output: two of them do not fit
TIGHT = DeviceOptions(cores=3, l1_bytes=16 * KIB, l2_bytes=60 * KIB, l3_bytes=KIB * KIB)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("parts") / "model.yaml"
    found.write_text(SPEC)
    return found


@pytest.fixture(scope="module")
def project(model: Path) -> Project:
    return plan_project(model, TIGHT)


@pytest.mark.parametrize(
    ("layer", "shapes"), [case[1:] for case in LAYER_CASES], ids=[case[0] for case in LAYER_CASES]
)
def test_a_part_is_the_step_of_a_smaller_mini_batch(
    layer: Layer, shapes: tuple[Shape, ...]
) -> None:
    whole = layer_steps(layer, *shapes, batch=BATCH)
    for part in parts_of(BATCH, 2):
        for one, other in zip(whole, layer_steps(layer, *shapes, batch=part.count), strict=True):
            loop = batch_loop(one, BATCH)
            if loop is None:
                continue
            cut = samples_step(one, loop, part)
            sums = one.phase is Phase.WG and part.first > 0
            assert cut.fields == {**other.fields, **(one.tiling.continued if sums else {})}
            assert (cut.loops, cut.macs) == (other.loops, other.macs)
            shapes_of = [
                [t and t.shape for t in (o.tensor for o in s.operands)] for s in (cut, other)
            ]
            assert shapes_of[0] == shapes_of[1]
            assert sums == (one.phase is Phase.WG and cut.operands[0].access.reads)


def test_what_sums_over_samples_and_what_does_not_can_be_cut(project: Project) -> None:
    steps = project.schedule.steps
    cut = {step.name.partition("[")[0] for step in steps if step.samples}
    assert {"c2.fw", "b2.fw.moments", "b2.fw", "r2.fw", "a1.fw", "c2.wg", "b2.ig", "r2.ig"} <= cut
    # these need all parts, or are small
    assert not {"b2.fw.statistics", "b2.ig.means", "b3.fw", "fc.wg"} & cut


def test_parts_run_through_several_steps_one_after_the_other(project: Project) -> None:
    names = [step.name for step in project.schedule.steps]
    row = ["b2.fw", "a1.fw", "r2.fw", "c3.fw"]
    found = [name for name in names if name.partition("[")[0] in row]
    labels = [f"[{part.first}:{part.last}]" for part in parts_of(7, len(found) // len(row))]
    assert len(labels) > 1
    assert found == [f"{name}{label}" for label in labels for name in row]


def test_a_gradient_is_updated_behind_its_last_part(project: Project) -> None:
    steps = project.schedule.steps
    parts = [step for step in steps if step.name.startswith("c3.wg[")]
    assert [step.fields["accumulate"] for step in parts] == [0] + [1] * (len(parts) - 1)
    update = next(step for step in steps if step.name == "c3.weight.update")
    assert steps.index(update) > steps.index(parts[-1])


def test_gradients_behind_a_folded_norm_come_in_parts_too(tmp_path: Path) -> None:
    """What the first pass makes anew is not fused with updates either."""
    text = SPEC.replace("padding: 1, bias: false}", "padding: 1, trainable: false}")
    text = text.replace(
        "{name: b1, type: batch_norm2d}", "{name: b1, type: batch_norm2d, mode: frozen}"
    )
    (tmp_path / "model.yaml").write_text(text.replace(", momentum: 0.9", ""))
    found = plan_project(tmp_path / "model.yaml", TIGHT)
    assert [fold.into for fold in found.folds] == ["c1"]
    cut = [step for step in found.schedule.steps if step.samples]
    assert [step for step in cut if step.name.startswith("c2.wg[")]
    assert not [step for step in cut if step.gradients]


def test_without_parts_it_does_not_fit(model: Path) -> None:
    with pytest.raises(DoesNotFitError, match="L2 needs"):
        plan_project(model, TIGHT, shrinking=Shrinking(("sample_parts",)))


def test_a_part_that_is_read_before_it_is_made_is_found(project: Project) -> None:
    code = list(project.program.code)
    index = {one.step.name: k for k, one in enumerate(code)}
    for name, later in (("r2.fw[2:4]", "c3.fw[2:4]"), ("b2.ig[2:4]", "c2.wg[2:4]")):
        first, second = index[name], index[later]
        changed = [*code[:first], *code[first + 1 : second + 1], code[first], *code[second + 1 :]]
        with pytest.raises(PlanError):
            program = replace(project.program, code=tuple(changed))
            verify_program(project.graph, program, project.memory)


def test_a_part_goes_back_to_l3_only_where_it_is_used_again(project: Project) -> None:
    code = project.program.code
    stored = [(k, move.transfer) for k, one in enumerate(code) for move in one.leaving]
    assert stored
    for index, transfer in stored:
        home = Span.of(transfer.destination)
        fetched = (move.transfer.source for one in code[index:] for move in one.coming)
        again = any(Span.of(source).meets(home) for source in fetched)
        assert again or transfer.tensor.root.kind.is_persistent, transfer.tensor.name


def test_what_fits_l2_is_not_cut(model: Path) -> None:
    roomy = replace(TIGHT, l2_bytes=8 * KIB * KIB)
    assert not any(step.samples for step in plan_project(model, roomy).schedule.steps)
