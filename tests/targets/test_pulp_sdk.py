"""The target pulp-sdk where there is no SDK: every source compiles against PMSIS declarations."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, ROOT, deployed, make
from trainlib_deployer.spec.model import DeviceOptions
from trainlib_deployer.targets.elf import read_elf

COMPILER = "riscv64-unknown-elf-gcc"
FLAGS = ["-march=rv32imc", "-mabi=ilp32", "-std=c11", "-ffreestanding", "-fsyntax-only"]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
L3_SECTION = "--section-start=.tl_l3=0x40000000"
FOLDERS = ["src", "lib/include", "lib/src", "target/pulp-sdk"]


@pytest.fixture(autouse=True)
def no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RULES_DIR", raising=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pulp_sdk") / "out"
    cores = DeviceOptions(cores=6)
    deployed(EXAMPLES / "digits" / "cnn.yaml", out, target="pulp-sdk", golden=False, options=cores)
    return out


@pytest.mark.skipif(not shutil.which(COMPILER), reason=f"not in PATH: {COMPILER}")
@pytest.mark.parametrize("check", ["full", "fingerprint"])
def test_every_source_compiles_against_pmsis(project: Path, check: str) -> None:
    sources = [*project.glob("src/*.c"), *project.glob("lib/src/*.c")]
    sources += project.glob("target/pulp-sdk/*.c")
    assert len(sources) > 15
    defines = ["-DNET_HOOKS", "-DTL_TEAM_SIZE=6", "-DTL_L3_BYTES=4096"]
    defines += ["-DCHECK_FULL"] if check == "full" else []
    includes = [f"-I{ROOT / 'tests' / 'pmsis'}", *(f"-I{folder}" for folder in FOLDERS)]
    compiled = subprocess.run(
        [COMPILER, *FLAGS, *WARNINGS, *defines, *includes, *map(str, sources)],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert compiled.returncode == 0, compiled.stderr


@pytest.mark.skipif(not shutil.which(COMPILER), reason=f"not in PATH: {COMPILER}")
def test_nothing_loads_l3_and_its_pointers_are_known(project: Path, tmp_path: Path) -> None:
    (tmp_path / "arena.c").write_text(
        '#include "tl_target.h"\n'
        "TL_L3 static _Alignas(16) unsigned char l3_arena[4096];\n"
        "void *volatile seen;\n"
        "void _start(void) { seen = l3_arena + 16; }\n"
    )
    program = tmp_path / "program"
    flags = [*FLAGS[:3], *WARNINGS, "-O3", "-nostdlib", "-Wl,--gc-sections"]
    flags += [f"-I{project / 'target' / 'pulp-sdk'}", f"-Wl,{L3_SECTION}"]
    assert L3_SECTION in (project / "target" / "pulp-sdk" / "target.mk").read_text()
    command = [COMPILER, *flags, str(tmp_path / "arena.c"), "-o", str(program)]
    linked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert linked.returncode == 0, linked.stderr
    elf = read_elf(program)
    assert (elf.symbols["l3_arena"].address, elf.symbols["l3_arena"].size) == (0x40000000, 4096)
    assert not [section for section in elf.sections if section.address >= 0x40000000]


def test_make_says_in_one_line_that_the_sdk_is_missing(project: Path) -> None:
    ran = make(project, "all")
    assert ran.status != 0
    lines = [line for line in ran.output.splitlines() if not line.startswith("make")]
    assert lines == ["target pulp-sdk needs the PULP SDK: source pulp-sdk/configs/pulp-open.sh"]


def test_make_hands_over_to_the_rules_of_the_sdk(project: Path, tmp_path: Path) -> None:
    """Rules that print what they are given stand for the SDK's."""
    (tmp_path / "pmsis_rules.mk").write_text(
        ".PHONY: build run\n"
        "build run:\n"
        "\t@echo '$@ $(APP) $(platform) | $(APP_SRCS) | $(APP_CFLAGS) | $(CONFIG_HYPERFLASH)'\n"
        "\t@mkdir -p $(TARGET_BUILD_DIR)/$(APP) && touch $(TARGET_BUILD_DIR)/$(APP)/$(APP)\n"
    )
    (project / "data" / "golden.bin").touch()
    options = [f"RULES_DIR={tmp_path}", "platform=rtl", "NUM_CORES=3"]
    ran = make(project, "clean", "all", "run", *options)
    assert ran.status == 0, ran.output
    build, run = ran.output.splitlines()
    assert build.startswith("build digits_cnn rtl | src/") and run.startswith("run digits_cnn rtl")
    assert "target/pulp-sdk/port.c" in build and "-DTL_TEAM_SIZE=3 " in build
    assert (project / "build" / "pulp-sdk" / "digits_cnn").is_file()
    folder = project / "build" / "pulp-sdk" / "3_cores_full_rtl"
    assert (folder / "data").resolve() == project / "data"
    assert "-DTL_TEAM_SIZE=2 " in make(project, "all", f"RULES_DIR={tmp_path}", "CORE=2").output


@pytest.mark.parametrize("cores", ["7", "0", "many", "-1", "2 3"])
def test_a_number_of_cores_that_the_plan_does_not_allow(project: Path, cores: str) -> None:
    ran = make(project, "all", f"NUM_CORES={cores}")
    assert ran.status != 0
    assert "the plan is for 6 cores: NUM_CORES is 1 to 6" in ran.output
