"""What all tests share: deploy a spec, build it, run it."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings

from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.project import Project
from trainlib_deployer.render import project as rendering
from trainlib_deployer.render.project import write_project
from trainlib_deployer.spec.model import DeviceOptions

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"

# the same cases on every run: a red CI can be repeated
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# a shell's background job ignores SIGINT, and so would the programs that tests interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)

# each worker of pytest has a core; forks of it have no other threads to wait for
os.environ["OMP_NUM_THREADS"] = "1"


def forked_golden(command: Sequence[str], *, cwd: Path, **_: object) -> SimpleNamespace:
    """golden.py in a fork of this process, which has torch: importing it takes seconds."""
    import torch  # noqa: F401

    assert list(command) == [sys.executable, "golden.py"]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
                os.chdir(cwd)
                sys.argv, sys.path[0] = ["golden.py"], str(cwd)
                runpy.run_path("golden.py", run_name="__main__")
                status = 0
            except SystemExit as stop:
                status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        return SimpleNamespace(returncode=status, stdout=out.read(), stderr=err.read())


@pytest.fixture(scope="session", autouse=True)
def fast_golden() -> Iterator[None]:
    """Projects that tests write in this process make their golden values in forks of it."""
    before = rendering.subprocess
    rendering.subprocess = SimpleNamespace(run=forked_golden)  # type: ignore[assignment]
    yield
    rendering.subprocess = before


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
