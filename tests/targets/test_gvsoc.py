"""PULP-open in GVSoC: every layer, the digits CNN on 1 to 8 cores, the port itself, and crashes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conftest import EXAMPLES, ROOT, deployed, make
from tests.e2e.test_layers import BATCH, CASES, spec_around
from tests.targets.conftest import ready
from trainlib_deployer.cli import main
from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers.base import Layer
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.render.project import write_project
from trainlib_deployer.spec.model import DeviceOptions
from trainlib_deployer.targets import TARGETS
from trainlib_deployer.targets.elf import read_elf
from trainlib_deployer.targets.fit import check_fit

GVSOC = TARGETS["gvsoc"]
DIGITS = EXAMPLES / "digits"


@pytest.fixture
def needs_gvsoc() -> None:
    ready("gvsoc")


@pytest.fixture
def quick_digits(tmp_path: Path) -> Path:
    """The digits CNN without test data: half a million cycles take GVSoC a second."""
    for name in ("train.npz", "cnn.yaml"):
        shutil.copy(DIGITS / name, tmp_path / name)
    model = tmp_path / "cnn.yaml"
    text, count = re.subn(r", test: test\.npz", "", model.read_text())
    assert count == 1
    model.write_text(text)
    return model


MOBILENET = EXAMPLES / "mlperf_tiny" / "mobilenet_v1.yaml"  # with all of L2, and L3


@pytest.mark.parametrize(
    ("spec", "l1"), [(DIGITS / "cnn.yaml", "64k"), (DIGITS / "cnn.yaml", "40k"), (MOBILENET, "64k")]
)
def test_the_compiler_alone_builds_what_was_planned(spec: Path, l1: str, tmp_path: Path) -> None:
    for tool in GVSOC.missing_tools:
        if tool.program != "gvsoc":
            pytest.skip(f"{tool.chosen} is not installed")
    out = tmp_path / "out"
    device = ["--target", "gvsoc", "--l1", l1]
    command = [str(spec), "-o", str(out), *device, "--no-golden", "-q"]
    assert CliRunner().invoke(main, command).exit_code == 0
    ran = make(out, "all")
    assert ran.status == 0, ran.output
    plan = json.loads((out / "plan.json").read_text())
    check_fit(GVSOC.program(out, plan["network"]), GVSOC.header(out), plan)


def run_json(model: Path, out: Path, *options: str) -> dict[str, object]:
    command = [str(model), "-o", str(out), "--target", "gvsoc", "--run", "--json", "-q", *options]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    document: dict[str, object] = json.loads(result.stdout)
    assert document["status"] == "ok"
    return document


@pytest.mark.usefixtures("needs_gvsoc")
@pytest.mark.parametrize("cores", [1, 2, 3, 4, 8])
def test_the_digits_cnn_trains_as_in_pytorch(
    cores: int, quick_digits: Path, tmp_path: Path
) -> None:
    report = run_json(quick_digits, tmp_path / "out", "--cores", str(cores), "--steps", "2")
    assert report["cores"] == cores
    profile = report["profile"]
    assert isinstance(profile, dict) and profile["unit"] == "cycles"
    counts = [step["count"] for step in profile["steps"]]
    assert all(0 < count < 10_000_000 for count in counts)


@pytest.mark.usefixtures("needs_gvsoc")
def test_more_cores_take_fewer_cycles_and_equal_runs_equal_ones(
    quick_digits: Path, tmp_path: Path
) -> None:
    profiles = [
        run_json(quick_digits, tmp_path / f"out{index}", "--cores", cores, "--steps", "1")[
            "profile"
        ]
        for index, cores in enumerate(("8", "8", "2"))
    ]
    assert profiles[0] == profiles[1]
    totals = [profile["total"] for profile in profiles if isinstance(profile, dict)]
    assert totals[0] * 2 < totals[2]


@pytest.mark.usefixtures("needs_gvsoc")
def test_without_contraction_it_learns_the_hosts_bits(quick_digits: Path, tmp_path: Path) -> None:
    deployed(
        quick_digits, tmp_path / "out", steps=2, options=DeviceOptions(cores=3, l1_bytes=40960)
    )
    trained = []
    for target in ("host", "gvsoc"):
        ran = make(tmp_path / "out", "run", f"TARGET={target}", "EXACT=1")
        assert ran.status == 0, ran.output
        trained.append((tmp_path / "out" / "data" / "trained.bin").read_bytes())
    assert trained[0] == trained[1]


@pytest.mark.usefixtures("needs_gvsoc")
def test_tensors_in_l2_come_to_l1_by_dma(quick_digits: Path, tmp_path: Path) -> None:
    report = run_json(quick_digits, tmp_path / "out", "--steps", "2", "--l1", "40k")
    memory = report["memory"]
    assert isinstance(memory, dict) and memory["l2"]["used"] > 0


@pytest.mark.usefixtures("needs_gvsoc")
def test_tensors_in_the_hyperram_come_by_the_udma(quick_digits: Path, tmp_path: Path) -> None:
    device = ["--l1", "40k", "--l2", "344k", "--l3", "8M"]
    report = run_json(quick_digits, tmp_path / "out", "--steps", "1", *device)
    memory = report["memory"]
    assert isinstance(memory, dict) and memory["l3"]["used"] > 0


@pytest.mark.usefixtures("needs_gvsoc")
@pytest.mark.parametrize(
    ("name", "index", "layer", "shapes", "batch"),
    [case for case in CASES if case[-1] == BATCH],
    ids=[f"{name}-{index}" for name, index, *_, batch in CASES if batch == BATCH],
)
def test_a_network_with_the_layer_trains_as_in_pytorch(
    name: str, index: int, layer: Layer, shapes: tuple[Shape, ...], batch: int, tmp_path: Path
) -> None:
    model = tmp_path / "model.yaml"
    model.write_text(spec_around(layer, shapes, batch), encoding="utf-8")
    project = plan_project(model, DeviceOptions(cores=5), target="gvsoc", steps=3)
    if index % 2:
        # a little less L1: tensors live in L2
        taken = project.memory.levels["l1"]
        less = DeviceOptions(cores=8, l1_bytes=taken.reserved + taken.used - 8)
        project = plan_project(model, less, target="gvsoc", steps=3)
        assert project.memory.home == "l2"
    write_project(project, tmp_path / "out", golden=True, force=False)
    ran = make(tmp_path / "out", "run")
    assert "result ok" in ran.output, ran.output
    assert ran.status == 0


@pytest.mark.usefixtures("needs_gvsoc")
def test_a_program_larger_than_the_private_l2(tmp_path: Path) -> None:
    convolution = "  - {type: conv2d, out_channels: 2, kernel_size: 3, padding: 1}"
    lines = ["name: many_layers", "input: {shape: [2, 4, 4]}", "layers:", *[convolution] * 110]
    lines += ["  - {type: flatten}", "  - {type: linear, out_features: 4}"]
    lines += ["training: {loss: cross_entropy, optimizer: sgd}"]
    (tmp_path / "long.yaml").write_text("\n".join(lines) + "\n")
    run_json(tmp_path / "long.yaml", tmp_path / "out", "--steps", "1")
    sections = read_elf(GVSOC.program(tmp_path / "out", "many_layers")).sections
    assert sum(s.size for s in sections if s.name.startswith(".text")) > 64 * 1024


def with_main(text: str, out: Path, cores: int) -> Path:
    """A small project whose main.c is another one."""
    deployed(
        DIGITS / "mlp.yaml", out, target="gvsoc", golden=False, options=DeviceOptions(cores=cores)
    )
    (out / "src" / "main.c").write_text(text)
    (out / "data" / "golden.bin").touch()
    return out


CRASHES = {
    "wrong address": ("*(volatile int *)0x1d000000 = 1;", r"offset: 0x1d000000"),
    "pointer into L3": ("*(volatile int *)0x40000010 = 1;", r"offset: 0x40000010"),
    "illegal instruction": (
        '__asm__ volatile(".word 0");',
        r"crashed: illegal instruction.*core 3",
    ),
    "full stack": (
        "volatile char room[TL_STACK_BYTES - 40];"
        " for (unsigned i = 0; i < sizeof room; i++) { room[i] = 1; }",
        r"a stack is full",
    ),
}


@pytest.mark.usefixtures("needs_gvsoc")
@pytest.mark.parametrize(("code", "message"), CRASHES.values(), ids=CRASHES)
def test_a_crash_is_one_clear_message(code: str, message: str, tmp_path: Path) -> None:
    program = f"""
    #include "net.h"
    #include "tl/port.h"
    #include "tl/print.h"
    static void crash(void *unused) {{
        (void)unused;
        if (tl_core_id() == 3) {{ {code} }}
        tl_barrier();
    }}
    int main(void) {{
        tl_team_open(NET_CORES);
        net_init();
        tl_print_str("start\\n");
        tl_team_run(crash, 0);
        tl_exit(0);
        return 0;
    }}
    """
    out = with_main(program, tmp_path / "out", 4)
    (out / "data" / "golden.json").write_text("{}")
    result = CliRunner().invoke(main, ["run", str(out)])
    assert result.exit_code == 5, result.output
    assert re.search(message, result.output), result.output
    assert "run.log" in result.output


def test_what_is_missing_is_said_where_apt_cannot_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert GVSOC.install_line is not None
    assert GVSOC.install_line.startswith("sudo apt install clang-19 lld-19 make; build GVSoC")


def test_the_benchmark_is_published() -> None:
    text = (ROOT / "tests" / "bench" / "README.md").read_text()
    assert text.count("<!-- bench_gvsoc -->") == 2 and "| barrier, team of 8 |" in text
