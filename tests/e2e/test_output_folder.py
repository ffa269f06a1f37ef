"""The output folder appears whole or not at all, and nobody else's is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conftest import EXAMPLES, ROOT
from trainlib_deployer import render
from trainlib_deployer.cli import main

MLP = str(EXAMPLES / "digits" / "mlp.yaml")


def deploy(out: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, [MLP, "-o", str(out), "--no-golden", *options])
    return result.exit_code, result.output


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_folder_that_is_not_ours_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    for options in ((), ("--force",)):
        code, output = deploy(tmp_path / "out", *options)
        assert code == 2 and "not a project of this tool" in output
    assert contents(tmp_path / "out") == {str(tmp_path / "out" / "thesis.txt"): b"years of work"}


def test_ours_is_overwritten_only_with_force(tmp_path: Path) -> None:
    assert deploy(tmp_path / "out")[0] == 0
    (tmp_path / "out" / "note.txt").write_text("mine")
    code, output = deploy(tmp_path / "out")
    assert code == 2 and "--force" in output
    assert deploy(tmp_path / "out", "--force")[0] == 0
    assert not (tmp_path / "out" / "note.txt").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    assert deploy(tmp_path / "out", "--force")[0] == 2
    assert (tmp_path / "out").read_text() == "a file"


def test_a_full_disk_leaves_the_old_folder_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deploy(tmp_path / "out")[0] == 0
    before = contents(tmp_path / "out")

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    code, output = deploy(tmp_path / "out", "--force")
    monkeypatch.undo()
    assert code == 2 and "No space left on device" in output
    assert "Traceback" not in output
    assert contents(tmp_path / "out") == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("kernel_swaps", [True, False])
def test_the_swap_works_with_and_without_the_kernels_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel_swaps: bool
) -> None:
    if not kernel_swaps:
        monkeypatch.setattr(render.swap, "_swapped_by_kernel", lambda fresh, out: False)
    assert deploy(tmp_path / "out")[0] == 0
    before = contents(tmp_path / "out")
    assert deploy(tmp_path / "out", "--force")[0] == 0
    assert contents(tmp_path / "out") == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_interrupted_deploy_leaves_the_old_folder_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert deploy(out)[0] == 0
    before = contents(out)
    # with golden data it takes seconds: interrupt it in the middle
    process = subprocess.Popen(
        [sys.executable, "-m", "trainlib_deployer", MLP, "-o", str(out), "--force"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(60) != 0
    assert contents(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
