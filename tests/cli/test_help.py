"""--help answers at once, shows an example, and imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from tests.conftest import ROOT
from trainlib_deployer import __version__
from trainlib_deployer.cli import main

COMMANDS = ["", "deploy", "check", "explain", "run", "plan-memory", "targets", "schema"]
HEAVY = ("torch", "numpy", "yaml", "jinja2", "trainlib_deployer.pipeline", "trainlib_deployer.spec")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str) -> None:
    result = CliRunner().invoke(main, [*command.split(), "--help"])
    assert result.exit_code == 0
    example = result.stdout.split("Example")[1]
    assert f"trainlib-deploy {command.removeprefix('deploy')}".strip() in example


def test_the_first_help_shows_the_options_and_all_commands() -> None:
    text = CliRunner().invoke(main, ["--help"]).stdout
    for word in ("MODEL.yaml", "--cores", "--l1", "--no-golden", "--reserve", *COMMANDS[2:]):
        assert word in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_imports_nothing_heavy(command: str) -> None:
    words = [*command.split(), "--help"]
    code = (
        "import sys; from trainlib_deployer.cli import main\n"
        f"main({words!r}, standalone_mode=False)\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stderr.strip() == "[]"


def test_help_answers_in_under_300_ms() -> None:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "trainlib_deployer", "--help"],
            cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3  # the best of five: other tests run beside this one


def test_the_version() -> None:
    assert __version__ in CliRunner().invoke(main, ["--version"]).stdout
