"""The digits CNN on the simulated targets, from the command line to the comparison with PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.conftest import EXAMPLES, deployed, lines_with, make
from tests.targets.conftest import ready
from trainlib_deployer.cli import main
from trainlib_deployer.spec.model import DeviceOptions

CNN = EXAMPLES / "digits" / "cnn.yaml"
STEPS = 12


@pytest.mark.parametrize(
    ("name", "cores", "l1"),
    [
        ("qemu-riscv32", 1, "64k"),
        ("qemu-riscv32", 2, "32k"),
        ("qemu-riscv32", 3, "64k"),
        ("qemu-riscv32", 4, "32k"),
        ("qemu-riscv32", 8, "57500"),  # the end of L1 is no page's end
        ("cortex-m7", 1, "64k"),
        ("cortex-m4", 1, "40k"),
    ],
)
def test_the_cnn_trains_as_in_pytorch(name: str, cores: int, l1: str, tmp_path: Path) -> None:
    ready(name)
    out = tmp_path / "out"
    device = ["--target", name, "--cores", str(cores), "--l1", l1]
    result = CliRunner().invoke(
        main, [str(CNN), *device, "--steps", str(STEPS), "-o", str(out), "--run", "--json", "-q"]
    )
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["status"], report["target"], report["cores"]) == ("ok", name, cores)
    assert report["profile"]["unit"] == "instructions"
    assert all(0 < step["count"] < 10**7 for step in report["profile"]["steps"])
    assert [stack["core"] for stack in report["stack"]] == list(range(cores))
    assert all(0 < stack["peak"] < stack["size"] for stack in report["stack"])


@pytest.mark.parametrize(("name", "cores"), [("qemu-riscv32", 3), ("cortex-m7", 1)])
def test_without_contraction_a_target_learns_the_hosts_bits(
    name: str, cores: int, tmp_path: Path
) -> None:
    ready(name)
    out = tmp_path / "out"
    deployed(CNN, out, steps=STEPS, options=DeviceOptions(cores=cores, l1_bytes=32 * 1024))
    weights, losses = [], []
    for where in (name, "host"):
        ran = make(out, "run", f"TARGET={where}", "EXACT=1")
        assert ran.status == 0, ran.output
        weights.append((out / "data" / "trained.bin").read_bytes())
        losses.append(lines_with(ran.output, ["loss "]))
    assert weights[0] == weights[1] and losses[0] == losses[1]


@pytest.mark.parametrize(("name", "cores"), [("qemu-riscv32", 5), ("cortex-m7", 1)])
def test_instruction_counts_repeat(name: str, cores: int, tmp_path: Path) -> None:
    ready(name)
    deployed(CNN, tmp_path / "out", target=name, steps=4, options=DeviceOptions(cores=cores))
    outputs = [make(tmp_path / "out", "run").output for _ in range(3)]
    assert "result ok" in outputs[0]
    assert outputs[0] == outputs[1] == outputs[2]


def test_a_project_of_the_host_runs_on_every_simulated_target(tmp_path: Path) -> None:
    names = [ready(name).name for name in ("qemu-riscv32", "cortex-m7", "cortex-m4")]
    deployed(CNN, tmp_path / "out", steps=4, options=DeviceOptions(cores=1))
    for name in names:
        ran = make(tmp_path / "out", "run", f"TARGET={name}")
        assert ran.status == 0 and f"target {name}, 1 cores" in ran.output, ran.output


def test_a_target_refuses_a_plan_that_it_has_no_room_for(tmp_path: Path) -> None:
    ready("cortex-m7")
    deployed(CNN, tmp_path / "out", golden=False)
    ran = make(tmp_path / "out", "all", "TARGET=cortex-m7")
    assert ran.status != 0 and "the plan is for 8 cores, cortex-m7 has 1" in ran.output
    ran = make(tmp_path / "out", "all", "TARGET=cortex-m7", "NET_CORES=1", "NET_L1_BYTES=5000000")
    assert ran.status != 0 and "5000000 bytes of L1, cortex-m7 has 4194304" in ran.output


def deploy_and_run(out: Path, name: str, *options: str, run: tuple[str, ...] = ()) -> Result:
    """Two commands: the second one's result."""
    words = [str(CNN), "--target", name, "--cores", "1", "--steps", "2", "-q", "--force", *options]
    result = CliRunner().invoke(main, [*words, "-o", str(out)])
    assert result.exit_code == 0, result.output
    return CliRunner().invoke(main, ["run", str(out), *run])


@pytest.mark.parametrize(("reserved", "exit_code"), [("4k", 0), ("2k", 5)])
def test_what_a_user_reserves_holds_program_and_stack(
    reserved: str, exit_code: int, tmp_path: Path
) -> None:
    ready("cortex-m7")
    result = deploy_and_run(tmp_path / "out", "cortex-m7", "--reserve", f"l1={reserved}")
    assert result.exit_code == exit_code, result.output
    assert ("raise --reserve l1=SIZE" in result.stderr) == (exit_code == 5)


def test_fingerprints_agree_on_a_target_too(tmp_path: Path) -> None:
    ready("qemu-riscv32")
    result = deploy_and_run(tmp_path / "out", "qemu-riscv32", run=("--check", "fingerprint"))
    assert result.exit_code == 0, result.output


def test_the_linker_refuses_what_does_not_fit_into_a_level(tmp_path: Path) -> None:
    ready("qemu-riscv32")
    deployed(CNN, tmp_path / "out", golden=False)
    used = json.loads((tmp_path / "out" / "plan.json").read_text())["memory"]["l1"]["used"]
    smaller = f"NET_L1_CAPACITY={used - 2000}"
    ran = make(tmp_path / "out", "all", "TARGET=qemu-riscv32", smaller)
    assert ran.status != 0 and "region `L1' overflowed by 2000 bytes" in ran.output


def test_a_missing_simulator_is_4_with_the_line_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready("qemu-riscv32")
    monkeypatch.setenv("QEMU_RISCV32", "no-such-qemu")
    result = deploy_and_run(tmp_path / "out", "qemu-riscv32", "--no-golden")
    assert result.exit_code == 4
    assert "no-such-qemu" in result.stderr and "apt install qemu-system-misc" in result.stderr
