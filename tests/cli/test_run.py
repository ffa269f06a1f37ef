"""`run`: crash, hang, truncated output, mismatch: the right exit code and one clear message."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.cli.fake import LOG, MISMATCH_LOG, PLAN, fake_project
from tests.conftest import ROOT
from trainlib_deployer.cli import main
from trainlib_deployer.errors import RunFailedError


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["run", str(folder), *options])


def test_a_run_that_agrees(tmp_path: Path) -> None:
    result = run(fake_project(tmp_path / "p", "cat log.txt"))
    assert result.exit_code == 0, result.output
    assert "agrees with PyTorch" in result.stdout and result.stderr == ""
    assert (tmp_path / "p" / "build" / "host" / "run.log").read_text() == LOG


def test_a_mismatch_is_6_and_names_its_step(tmp_path: Path) -> None:
    folder = fake_project(tmp_path / "p", "cat log.txt; exit 1", log=MISMATCH_LOG)
    result = run(folder)
    assert result.exit_code == 6
    assert "first at Step fc.wg" in result.stderr and "expected 2" in result.stderr
    assert "DIFFERS" in result.stdout
    as_json = run(folder, "--json")
    assert as_json.exit_code == 6 and as_json.stderr == ""
    document = json.loads(as_json.stdout)
    assert document["status"] == "mismatch"
    assert "fc.wg" in document["errors"][0]["message"]


BROKEN = {
    "crash": ("head -n 3 log.txt; kill -SEGV $$", r"crashed \(Segmentation fault"),
    "crash of a child": ("sh -c 'kill -ABRT $$'", r"crashed \((Aborted|signal 6)"),
    "nothing": ("true", "ends early, without a result, before it printed anything"),
    "truncated": ("head -n 5 log.txt", "ends early, without a result after 'loss 0: 1.5 1.25'"),
    "cut line": ("head -c 120 log.txt", "damaged line"),
    "trap": ("cat log.txt; exit 77", "broke off with exit status 77"),
    "trap of a port": (
        "cat log.txt; echo; echo 'trap: load access fault at address 0x84010000, in c1.fw'; exit 3",
        r"crashed: load access fault at address 0x84010000, in c1\.fw\.",
    ),
    "trap with a word": ("echo 'illegal instruction' >&2; exit 3", "3: illegal instruction"),
    "data": ("echo 'data: golden.bin is missing'; exit 2", "data: golden.bin is missing"),
    "ok but fails": ("cat log.txt; exit 1", "says 'ok' but ended with status 1"),
    "checks left out": ("grep -v fc.wg log.txt", "weight_grad fc.weight was compared 0 times"),
    "not finite": (
        "sed 's/^result ok/not finite: step 1, fc.wg: weight fc.weight\\nresult not_finite/'"
        " log.txt; exit 4",
        r"stopped: weight fc.weight is not finite at Step fc.wg \(training step 1\); PyTorch's"
        r" training stays finite. The parameters from before that step are in .*trained.bin",
    ),
    "not finite without a tensor": ("echo 'not finite: step 1'; exit 4", "damaged line"),
    "binary": ("head -c 9999 /dev/zero", "ends early"),
}


@pytest.mark.parametrize(("program", "told"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_run_is_5_and_says_how(tmp_path: Path, program: str, told: str) -> None:
    folder = fake_project(tmp_path / "p", program)
    result = run(folder)
    assert result.exit_code == 5
    assert re.search(told, result.stderr), result.stderr
    assert "Traceback" not in result.output and result.stdout == ""
    document = json.loads(run(folder, "--json").stdout)
    assert document["status"] == "error" and document["exit_code"] == 5


def test_a_message_of_a_broken_run_has_the_path_of_the_log(tmp_path: Path) -> None:
    folder = fake_project(tmp_path / "p", "echo some words; kill -SEGV $$")
    assert str(folder / "build" / "host" / "run.log") in run(folder).stderr
    assert "some words" in (folder / "build" / "host" / "run.log").read_text()


def test_a_hang_is_ended_with_all_its_processes(tmp_path: Path) -> None:
    marker = tmp_path / "survived"
    program = f"head -n 1 log.txt; (sleep 3; touch {marker}) & sleep 60"
    start = time.monotonic()
    result = run(fake_project(tmp_path / "p", program), "--timeout", "1")
    assert result.exit_code == 5 and "did not end within 1 s after 'network net" in result.stderr
    assert time.monotonic() - start < 3
    time.sleep(3)
    assert not marker.exists()


def test_endless_output_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainlib_deployer.targets.process.MAX_OUTPUT_BYTES", 10**6)
    result = run(fake_project(tmp_path / "p", "yes"), "--timeout", "20")
    assert result.exit_code == 5 and "printed more than" in result.stderr


def test_a_failed_build_shows_the_compilers_first_errors(tmp_path: Path) -> None:
    build = "echo 'src/net.c:7:3: error: unknown type name' >&2; exit 1"
    result = run(fake_project(tmp_path / "p", "true", build=build))
    assert result.exit_code == 5
    assert "src/net.c:7:3: error: unknown type name" in result.stderr
    assert "build.log" in result.stderr


def test_a_program_that_is_not_as_planned_is_5_and_does_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    folder = fake_project(tmp_path / "p", f"touch {marker}", program="char l1_arena[1000];")
    result = run(folder)
    assert result.exit_code == 5
    assert "arena of L1 has 1000 bytes, planned are 1028" in result.stderr
    assert not marker.exists()


def test_a_long_training_gets_more_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def remember(*args: object, timeout_s: float, **options: object) -> None:
        seen.append(timeout_s)
        raise RunFailedError("stop")

    monkeypatch.setattr("trainlib_deployer.targets.run.build_and_run", remember)
    folder = fake_project(tmp_path / "p", "true")
    for macs, steps in ((10**6, 10), (10**9, 10**4)):
        plan = {**PLAN, "macs": macs, "training_steps": steps}
        (folder / "plan.json").write_text(json.dumps(plan))
        assert run(folder).exit_code == 5
    assert seen[0] == 600 and seen[1] > 10**4
    run(folder, "--timeout", "7")
    assert seen[2] == 7


def test_missing_tools_are_4_with_the_line_that_brings_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fake_project(tmp_path / "p", "cat log.txt")
    monkeypatch.setenv("CC", "no-such-compiler")
    result = run(folder)
    assert result.exit_code == 4
    assert "no-such-compiler" in result.stderr and "apt install gcc" in result.stderr


def test_missing_golden_values_are_made_first(tmp_path: Path) -> None:
    folder = fake_project(tmp_path / "p", "cat log.txt")
    golden = (folder / "data" / "golden.json").rename(folder / "kept.json")
    (folder / "data" / "golden.bin").unlink()
    script = "import shutil; shutil.copy('kept.json', 'data/golden.json')"
    (folder / "golden.py").write_text(f"{script}; open('data/golden.bin', 'w')\n")
    assert run(folder).exit_code == 0
    assert golden.exists()
    (folder / "data" / "golden.bin").unlink()
    (folder / "golden.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")\n")
    result = run(folder)
    assert result.exit_code == 4 and "torch" in result.stderr


@pytest.mark.parametrize("what", ["missing", "a file", "not ours", "unknown target", "no plan"])
def test_a_folder_that_cannot_be_run(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "p"
    if what == "a file":
        folder.write_text("text")
    elif what == "not ours":
        folder.mkdir()
        (folder / "manifest.json").write_text('{"generator": "somebody"}')
    elif what != "missing":
        fake_project(folder, "cat log.txt")
    if what == "unknown target":
        manifest = {"generator": "trainlib-deployer", "target": "abacus"}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    if what == "no plan":
        (folder / "plan.json").write_text("{")
    result = run(folder)
    assert result.exit_code == (5 if what == "no plan" else 2), result.output
    assert str(folder) in result.stderr and "Traceback" not in result.output


def test_trained_weights_are_saved_under_their_names(tmp_path: Path) -> None:
    folder = fake_project(tmp_path / "p", "cat log.txt")
    values = np.arange(6, dtype="<f4")
    (folder / "data" / "trained.bin").write_bytes(b"8 bytes." + values.tobytes())
    out = tmp_path / "w.npz"
    assert run(folder, "--weights", str(out)).exit_code == 0
    with np.load(out) as file:
        assert list(file) == ["fc.weight"] and file["fc.weight"].dtype == np.float32
        assert np.array_equal(file["fc.weight"], values.reshape(2, 3))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p", "w.npz"]


def test_weights_that_cannot_be_saved(tmp_path: Path) -> None:
    folder = fake_project(tmp_path / "p", "cat log.txt")
    out = tmp_path / "w.npz"
    assert run(folder, "--weights", str(out)).exit_code == 5
    (folder / "data" / "trained.bin").write_bytes(b"short")
    assert run(folder, "--weights", str(out)).exit_code == 5
    (folder / "data" / "trained.bin").write_bytes(bytes(32))
    assert run(folder, "--weights", str(tmp_path / "no" / "w.npz")).exit_code == 2
    assert not out.exists()


def test_lines_are_streamed_with_v(tmp_path: Path) -> None:
    result = run(fake_project(tmp_path / "p", "cat log.txt"), "-v")
    assert "loss 0: 1.5 1.25" in result.stderr
    assert "loss 0: 1.5 1.25" not in result.stdout


def test_ctrl_c_is_quiet_and_ends_the_program(tmp_path: Path) -> None:
    marker = tmp_path / "survived"
    folder = fake_project(tmp_path / "p", f"touch started; sleep 2; touch {marker}")
    for signal_name in ("SIGINT", "SIGTERM"):
        process = subprocess.Popen(
            [sys.executable, "-m", "trainlib_deployer", "run", str(folder)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while not (folder / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        (folder / "started").unlink()
        os.kill(process.pid, {"SIGINT": 2, "SIGTERM": 15}[signal_name])
        stdout, stderr = process.communicate(timeout=20)
        assert process.returncode in (130, 143)
        assert (stdout + stderr).strip() == ""
    time.sleep(2)
    assert not marker.exists()
