"""The check bites: a planted error in the generated C is reported at its Step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import deployed, lines_with, make

SPEC = """
name: net
input: {shape: [2, 6, 6]}
layers:
  - {name: c1, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
  - {name: r1, type: relu}
  - {name: c2, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}
  - {name: a1, type: add, inputs: [r1, c2]}
  - {type: flatten}
  - {name: fc, type: linear, out_features: 3}
training: {loss: cross_entropy, optimizer: {type: sgd, lr: 0.05}, max_steps: 4}
"""

# what, the line of net.c, what it becomes, the Step that must be named first
SGD = ".scale = -0.05f, .decay = 1.0f, .bias_decay = 1.0f},\n        c1_weight, "
WINDOW = """static void c2_fw_run(void)
{
    tl_conv2d_k3_fw_f32(
        &(const tl_conv2d){
            .n = 1, .ci = 4, .hi = 6, .wi = 6, .co = 4, .ho = 6, .wo = 6, .kh = 3, .kw = 3,"""
CALL = "c2_y, r1_y, c2_weight, c2_bias"
MUTATIONS = [
    ("wrong sign", SGD, SGD.replace("-0.05f", "0.05f"), "c1.wg"),
    ("missing tap", WINDOW, WINDOW.replace(".kw = 3", ".kw = 2"), "c2.fw"),
    ("wrong buffer", CALL, CALL.replace("r1_y", "fc_weight"), "c2.fw"),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutations")
    (folder / "model.yaml").write_text(SPEC)
    deployed(folder / "model.yaml", folder / "out")
    return folder / "out"


@pytest.mark.parametrize("check", ["full", "fingerprint"])
@pytest.mark.parametrize(
    ("what", "old", "new", "step"), MUTATIONS, ids=[m[0].replace(" ", "-") for m in MUTATIONS]
)
def test_a_planted_error_is_reported_at_its_step(
    project: Path, what: str, old: str, new: str, step: str, check: str
) -> None:
    source = project / "src" / "net.c"
    text = source.read_text()
    assert text.count(old) == 1, text
    source.write_text(text.replace(old, new))
    try:
        ran = make(project, "run", f"CHECK={check}")
    finally:
        source.write_text(text)
    assert ran.status != 0
    assert "result mismatch" in ran.output
    found = [line for line in ran.output.splitlines() if "MISMATCH" in line or "MEMORY" in line]
    assert f", {step}:" in found[0], found[:3]
    if check == "full":
        values = lines_with(ran.output, [f", {step}:", "MISMATCH at", "expected"])
        assert values, found[:3]


def test_the_unchanged_project_agrees(project: Path) -> None:
    ran = make(project, "run")
    assert ran.status == 0, ran.output
