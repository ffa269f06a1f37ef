"""A mini-batch of which no layer's tensors fit L2 together, trained part by part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import deployed, lines_with, make
from tests.unit.test_sample_parts import SPEC, TIGHT

LAST = 3  # samples of the last mini-batch: the first part and a half of the next


def deploy(root: Path, more: str = "") -> Path:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((7 + LAST, 3, 12, 12)).astype(np.float32)
    np.savez(root / "train.npz", x=x, y=rng.integers(0, 4, len(x)))
    (root / "model.yaml").write_text(f"{SPEC}{more}data: {{train: train.npz}}\n")
    project = deployed(root / "model.yaml", root / "out", options=TIGHT)
    assert any(step.samples for step in project.schedule.steps)
    return root / "out"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploy(tmp_path_factory.mktemp("parts"))


@pytest.mark.parametrize(
    "mode", ["SANITIZE=address,undefined", "SANITIZE=thread", "DELAYED=1", "CHECK=fingerprint"]
)
def test_it_agrees_with_pytorch(folder: Path, mode: str) -> None:
    ran = make(folder, "run", mode)
    assert ran.status == 0, ran.output
    for name in ("activation c2[0:2]", "activation c2[6:7]", "input_grad c2[2:4]"):
        assert lines_with(ran.output, [name, ", ok"])
    assert lines_with(ran.output, ["c2.wg[6:7]: weight_grad c2.weight", ", ok"])


def test_parts_of_several_passes_agree_with_pytorch(tmp_path: Path) -> None:
    ran = make(deploy(tmp_path, "  accumulate: 2\n"), "run", "DELAYED=1")
    assert ran.status == 0, ran.output
    assert lines_with(ran.output, ["c2.wg[6:7]: weight_grad c2.weight", ", ok"])


def test_a_wrong_element_of_a_part_is_found(folder: Path) -> None:
    source = folder / "src" / "net.c"
    text = source.read_text()
    call = "b2_fw_2_4_compute(int t, net_shape *shape)\n{\n"
    assert text.count(call) == 1
    source.write_text(text.replace(call, f"{call}    if (t == 0) return;\n"))
    try:
        ran = make(folder, "run")
    finally:
        source.write_text(text)
    assert ran.status != 0
    assert lines_with(ran.output, ["b2.fw[2:4]: activation b2[2:4]", "MISMATCH"])
