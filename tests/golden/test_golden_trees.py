"""The generated files of two networks, byte for byte; `--update-golden` writes them anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, ROOT, deployed
from trainlib_deployer.resources import templates_root
from trainlib_deployer.spec.model import DeviceOptions

TREES = Path(__file__).parent / "trees"

# one network in L1, one whose tensors live in L2
CASES = {
    "digits_mlp": (EXAMPLES / "digits" / "mlp.yaml", DeviceOptions()),
    "digits_cnn_l2": (EXAMPLES / "digits" / "cnn.yaml", DeviceOptions(cores=3, l1_bytes=32 * 1024)),
}

# these are copies: of the spec's data, of the library (tested below), and hashes of both
COPIES = ("lib/", "target/", "inputs/", "data/", "manifest.json")


def written(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", CASES)
def test_the_generated_files_are_as_committed(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    spec, options = CASES[name]
    deployed(spec, tmp_path / "out", options=options, golden=False)
    files = written(tmp_path / "out")
    own = {path: text for path, text in files.items() if not path.startswith(COPIES)}
    if request.config.getoption("--update-golden"):
        for path, text in own.items():
            (TREES / name / path).parent.mkdir(parents=True, exist_ok=True)
            (TREES / name / path).write_bytes(text)
    assert own == written(TREES / name)
    for path, text in files.items():
        if path.startswith("lib/"):
            assert text == (templates_root() / path).read_bytes()
        if path.startswith("target/"):
            twin = templates_root() / "targets" / path.removeprefix("target/")
            assert text == twin.read_bytes()


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two processes with different hash seeds, deploying to different places."""
    trees = []
    command = [sys.executable, "-m", "trainlib_deployer"]
    options = ["--no-golden", "-q", "--l1", "32k"]
    for seed in ("1", "2"):
        out = tmp_path / f"seed{seed}" / "net"
        subprocess.run(
            [*command, str(EXAMPLES / "digits" / "cnn.yaml"), "-o", str(out), *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        trees.append(written(out))
    assert trees[0] == trees[1]
