"""Every failure has its exit code, and with --json it is one document on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from tests.cli.specs import TOO_SMALL
from tests.conftest import EXAMPLES, ROOT
from trainlib_deployer.cli import main
from trainlib_deployer.report.documents import DOCUMENTS, document_schema

CNN = str(EXAMPLES / "digits" / "cnn.yaml")


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, words)


WRONG_USAGE = {
    "unknown option": ["check", CNN, "--bad"],
    "missing argument": ["check"],
    "unknown command": ["chekc", CNN],
    "bad size": ["check", CNN, "--l1", "12q"],
    "negative size": ["check", CNN, "--l1", "-5"],
    "huge size": ["check", CNN, "--l2", "99999G"],
    "no cores": ["check", CNN, "--cores", "0"],
    "cores not a number": ["check", CNN, "--cores", "two"],
    "no L1": ["check", CNN, "--l1", "0"],
    "bad level": ["check", CNN, "--reserve", "l9=4k"],
    "bad reserve": ["check", CNN, "--reserve", "l1"],
    "unknown target": ["check", CNN, "--target", "hots"],
    "no stage": ["explain", CNN],
    "unknown stage": ["explain", CNN, "--stage", "magic"],
    "picture of a graph": ["explain", CNN, "--stage", "graph", "--picture", "x.svg"],
    "no steps": [CNN, "--steps", "0"],
    "no file": ["no_such_file.yaml"],
    "unknown document": ["schema", "--of", "everything"],
    "not a folder": ["run", "no_such_folder"],
    "no timeout": ["run", ".", "--timeout", "0"],
    "no capacity": ["plan-memory", "x.csv"],
}


@pytest.mark.parametrize("words", WRONG_USAGE.values(), ids=WRONG_USAGE.keys())
def test_wrong_usage_is_2(words: list[str]) -> None:
    result = invoke(*words)
    assert result.exit_code == 2
    assert result.stdout == "" and "error: " in result.stderr
    assert "Traceback" not in result.stderr
    as_json = invoke(*words, "--json")
    assert as_json.exit_code == 2
    assert_error(as_json.stdout, 2)


def assert_error(stdout: str, code: int) -> Any:
    document = json.loads(stdout)
    assert document["status"] == "error" and document["exit_code"] == code
    for command in DOCUMENTS:
        jsonschema.validate(document, document_schema(command))
    return document["errors"]


def test_a_typo_in_a_command_is_understood() -> None:
    assert "Did you mean 'check'?" in invoke("chekc", CNN).stderr
    assert "Did you mean 'plan-memory'?" in invoke("plan_memory", "x.csv").stderr


def test_errors_of_a_spec_have_places(tmp_path: Path) -> None:
    model = tmp_path / "bad.yaml"
    model.write_text("name: x\ninput: {shape: [1]}\nlayers:\n  - {type: lineer}\n")
    result = invoke("check", str(model), "--json")
    assert result.exit_code == 2
    errors = assert_error(result.stdout, 2)
    assert {"line": 4, "hint": "Did you mean 'linear'?"}.items() <= errors[1].items()
    text = invoke("check", str(model)).stderr
    assert f"{model}:4:" in text


@pytest.mark.parametrize("command", [["check"], []])
def test_what_does_not_fit_is_3(command: list[str], tmp_path: Path) -> None:
    out = [] if command else ["-o", str(tmp_path / "out")]
    result = invoke(*command, CNN, "--l1", TOO_SMALL, *out)
    assert result.exit_code == 3 and "L1 needs" in result.stderr
    assert assert_error(invoke(*command, CNN, "--l1", TOO_SMALL, "--json", *out).stdout, 3)
    assert list(tmp_path.iterdir()) == []


def test_a_bug_of_ours_is_1_and_shows_its_trace_only_with_v(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("trainlib_deployer.pipeline.plan_project", broken)
    plain = invoke("check", CNN)
    assert plain.exit_code == 1 and "report it" in plain.stderr
    assert "Traceback" not in plain.output
    assert "Traceback" in invoke("check", CNN, "-v").stderr
    assert_error(invoke("check", CNN, "--json").stdout, 1)


def python(*words: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "trainlib_deployer", *words],
        cwd=ROOT, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def test_a_closed_pipe_is_quiet() -> None:
    read, write = os.pipe()
    os.close(read)
    process = python("schema", stdout=write)
    os.close(write)
    assert process.communicate()[1] == b"" and process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_under_the_result_is_said() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 (a device)
        process = python("schema", stdout=full)
        _, stderr = process.communicate()
    assert process.returncode == 2 and b"No space left" in stderr
    assert b"Traceback" not in stderr


def test_progress_goes_to_stderr_and_only_when_asked_for() -> None:
    assert invoke("check", CNN).stderr == ""
    spoken = invoke("check", CNN, "-v")
    assert "planning" in spoken.stderr and "planning" not in spoken.stdout
    assert invoke("check", CNN, "-v", "-q").stderr == ""
