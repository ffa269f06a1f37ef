"""What all tests share: deploy a spec, build it, run it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.project import Project
from trainlib_deployer.render.project import write_project
from trainlib_deployer.spec.model import DeviceOptions

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"

# the same cases on every run: a red CI can be repeated
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@dataclass(frozen=True)
class Ran:
    """What a generated program printed, and how it ended."""

    status: int
    output: str


def make(folder: Path, *arguments: str) -> Ran:
    """Run make in a generated project."""
    result = subprocess.run(
        ["make", "-s", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    return Ran(result.returncode, result.stdout)


def deployed(
    model: Path,
    out: Path,
    *,
    options: DeviceOptions | None = None,
    target: str | None = None,
    steps: int | None = None,
    golden: bool = True,
) -> Project:
    """Plan and write a project."""
    project = plan_project(model, options or DeviceOptions(), target=target, steps=steps)
    write_project(project, out, golden=golden, force=True)
    return project


Deploy = Callable[..., Path]


@pytest.fixture
def deploy_text(tmp_path: Path) -> Deploy:
    """Deploy a spec given as text; the folder of the project."""

    def deploy(text: str, **options: object) -> Path:
        model = tmp_path / "model.yaml"
        model.write_text(text, encoding="utf-8")
        deployed(model, tmp_path / "out", **options)  # type: ignore[arg-type]
        return tmp_path / "out"

    return deploy


def lines_with(output: str, words: Sequence[str]) -> list[str]:
    return [line for line in output.splitlines() if all(word in line for word in words)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden trees anew")
