"""The target `sources`: a library that compiles, and a README that tells what it needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conftest import EXAMPLES, deployed, make
from trainlib_deployer.cli import main
from trainlib_deployer.spec.model import DeviceOptions

CNN = EXAMPLES / "digits" / "cnn.yaml"


@pytest.mark.parametrize("compiler", ["gcc", "clang-14", "riscv64-unknown-elf-gcc"])
def test_the_library_needs_what_the_readme_says(compiler: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    options = DeviceOptions(cores=4, l1_bytes=32 * 1024, l2_bytes=512 * 1024)
    project = deployed(CNN, tmp_path / "out", target="sources", golden=False, options=options)
    assert project.memory.home == "l2"
    flags = "-march=rv32imafc -mabi=ilp32f -ffreestanding -Itarget/common"
    command = f"{compiler} {flags}" if compiler.startswith("riscv") else compiler
    built = make(tmp_path / "out", "all", f"CC={command}")
    assert built.status == 0, built.output
    library = tmp_path / "out" / "build" / "sources" / "libdigits_cnn.a"
    listed = subprocess.run(["nm", str(library)], capture_output=True, text=True, check=True)
    symbols = re.findall(r"^[0-9a-f ]+ ([A-Za-z]) (\w+)$", listed.stdout, re.MULTILINE)
    defined = {name for kind, name in symbols if kind != "U"}
    needed = {name for kind, name in symbols if kind == "U"} - defined
    needed.discard("_GLOBAL_OFFSET_TABLE_")
    readme = (tmp_path / "out" / "target" / "sources" / "README.md").read_text()
    told = set(re.findall(r"`(tl_\w+)\(", readme))
    in_rows = {"tl_copy_2d_in", "tl_copy_2d_out"}  # where a tile needs them
    assert needed - {"memcpy", "memmove", "memset"} | in_rows == told
    assert len(readme.splitlines()) <= 25


def test_it_cannot_be_run_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(
        main, [str(CNN), "-o", str(out), "--target", "sources", "--cores", "1", "--no-golden"]
    )
    assert result.exit_code == 0 and "target/sources/README.md" in result.stdout
    result = CliRunner().invoke(main, ["run", str(out)])
    assert result.exit_code == 2
    assert "cannot be run here" in result.stderr and "README.md" in result.stderr
    ran = make(out, "run")
    assert ran.status != 0 and "cannot be run here" in ran.output
