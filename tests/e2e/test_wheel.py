"""The wheel, installed into an empty environment, deploys from another folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import EXAMPLES, ROOT


def test_the_installed_wheel_deploys_and_the_project_builds(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path / "dist")]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    constraints = ["-c", str(ROOT / "constraints.txt")]
    subprocess.run(
        [str(python), "-m", "pip", "install", "-q", *constraints, str(wheel)],
        check=True,
        capture_output=True,
    )
    work = tmp_path / "elsewhere"
    shutil.copytree(EXAMPLES / "digits", work)
    command = [str(tmp_path / "venv" / "bin" / "trainlib-deploy"), "mlp.yaml", "--no-golden"]
    subprocess.run(command, cwd=work, check=True, capture_output=True)
    subprocess.run(["make", "-s"], cwd=work / "digits_mlp", check=True, capture_output=True)
    # the golden model is not part of the plain installation, and that is said
    failed = subprocess.run(
        [*command[:2], "-o", "other"], cwd=work, check=False, capture_output=True, text=True
    )
    assert failed.returncode == 4 and "--no-golden" in failed.stderr
