"""Every case of this folder gives exactly its messages; see README.md for the format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from trainlib_deployer.cli import main
from trainlib_deployer.errors import DeployError, Diagnostics
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.spec.model import DeviceOptions
from trainlib_deployer.spec.nodes import ListNode, MapNode, Node
from trainlib_deployer.spec.schema import model_schema
from trainlib_deployer.spec.yaml_source import read_yaml

FOLDER = Path(__file__).parent
CASES = sorted(FOLDER.glob("*.yaml"))
FOLDERS = sorted(p.name for p in FOLDER.iterdir() if p.is_dir())
HEADER = re.compile(rb"# exit: (\d), schema: (yes|no)\n")


def failure_of(path: Path) -> DeployError:
    """What the pipeline says of a spec."""
    with pytest.raises(DeployError) as raised:
        plan_project(path, DeviceOptions())
    return raised.value


def plain(node: Node) -> Any:
    """The tree as a YAML reader without places would give it."""
    if isinstance(node, MapNode):
        return {key: plain(entry.value) for key, entry in node.entries.items()}
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return node.value


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_messages(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    header = HEADER.match(path.read_bytes())
    assert header
    expected = path.with_suffix(".expected").read_text("utf-8").splitlines()
    failure = failure_of(Path(path.name))
    assert [str(item) for item in failure.diagnostics] == expected
    assert failure.exit_code == int(header[1])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_command_line_says_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    header = HEADER.match(path.read_bytes())
    assert header
    result = CliRunner().invoke(main, [path.name, "--no-golden", "--json", "-q"])
    document = json.loads(result.stdout)
    assert result.exit_code == document["exit_code"] == int(header[1])
    expected = path.with_suffix(".expected").read_text("utf-8").splitlines()
    assert len(document["errors"]) == len(expected)
    for error, line in zip(document["errors"], expected, strict=True):
        assert error["message"] in line
    assert sorted(p.name for p in FOLDER.iterdir() if p.is_dir()) == FOLDERS


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_schema_rejects_what_it_can(path: Path) -> None:
    header = HEADER.match(path.read_bytes())
    source = read_yaml(path, Diagnostics())
    instance = plain(source.root) if source else None
    rejects = not jsonschema.Draft202012Validator(model_schema()).is_valid(instance)
    if header and header[2] == b"yes":
        assert rejects
    elif source:
        assert not rejects, "the schema rejects this case: say so in its first line"


def test_every_expectation_has_a_case() -> None:
    assert {p.stem for p in FOLDER.glob("*.expected")} == {p.stem for p in CASES}
