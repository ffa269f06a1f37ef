"""What the commands print, and that their documents keep their schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import CliRunner

from tests.cli.specs import CNN, IN_L1, IN_L2, PREDICTS
from trainlib_deployer.cli import main
from trainlib_deployer.cli.explain import _STAGES
from trainlib_deployer.cli.schema import _DOCUMENTS
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.report.documents import DOCUMENTS, document_schema
from trainlib_deployer.report.explain import STAGES


@pytest.fixture
def cnn(tmp_path: Path) -> str:
    (tmp_path / "cnn.yaml").write_text(CNN)
    return str(tmp_path / "cnn.yaml")


def stdout_of(*words: str) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.stdout


def document_of(command: str, *words: str) -> Any:
    document = json.loads(stdout_of(*words, "--json"))
    jsonschema.validate(document, document_schema(command))
    assert document["schema"] == 1
    return document


@pytest.mark.parametrize("name", _DOCUMENTS)
def test_each_schema_is_one(name: str) -> None:
    schema = json.loads(stdout_of("schema", "--of", name))
    jsonschema.Draft202012Validator.check_schema(schema)


def test_names_in_the_command_line_are_those_of_the_reports() -> None:
    assert set(_STAGES) == set(STAGES)
    assert set(_DOCUMENTS) == {"model", *DOCUMENTS}


def test_check_says_need_limit_and_peak(cnn: str) -> None:
    document = document_of("check", "check", cnn, "--reserve", "l1=1k,l2=2k", "--reserve", "l1=4k")
    assert document["fits"] and document["home"] == "l1"
    l1 = document["memory"]["l1"]
    assert l1["reserved"] == 4096 and document["memory"]["l2"]["reserved"] == 2048
    assert 0 < l1["lower_bound"] <= l1["used"] <= l1["capacity"] - l1["reserved"]
    text = stdout_of("check", cnn, "--reserve", "l1=4k")
    assert f"{l1['used']:,}" in text and l1["peak"]["step"] in text and "61,440" in text


@pytest.mark.parametrize("l1", [IN_L1, IN_L2])
@pytest.mark.parametrize("stage", STAGES)
def test_explain(cnn: str, stage: str, l1: str) -> None:
    document = document_of("explain", "explain", cnn, "--stage", stage, "--l1", l1)
    assert document["stage"] == stage
    text = stdout_of("explain", cnn, "--stage", stage, "--l1", l1)
    assert "fc" in text and len(text.splitlines()) > 8


def test_explain_of_a_network_that_only_predicts(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(PREDICTS)
    for stage in STAGES:
        document_of("explain", "explain", str(tmp_path / "m.yaml"), "--stage", stage)
    graph = stdout_of("explain", str(tmp_path / "m.yaml"), "--stage", "graph")
    assert "frozen" in graph and "predicts only" in graph


def test_tiles_say_what_moves(cnn: str) -> None:
    everything = document_of("explain", "explain", cnn, "--stage", "tiles")
    assert not any(step["bytes_in"] + step["bytes_out"] for step in everything["steps"])
    some = document_of("explain", "explain", cnn, "--stage", "tiles", "--l1", IN_L2)
    for step in some["steps"]:
        assert all((o["home"] == "l1") == (o["buffers"] == 0) for o in step["operands"])
        far = [operand for operand in step["operands"] if operand["buffers"]]
        assert bool(step["bytes_in"] + step["bytes_out"]) == bool(far)
        assert step["l1_bytes"] >= sum(o["buffers"] * o["bytes"] for o in far)
        assert step["cycles"] >= max(step["compute_cycles"], step["transfer_cycles"])
    assert any(step["tiles"] > 1 and step["tile"] for step in some["steps"])


def test_the_picture_is_written(cnn: str, tmp_path: Path) -> None:
    picture = tmp_path / "memory.svg"
    for l1 in (IN_L1, IN_L2):
        stdout_of("explain", cnn, "--stage", "memory", "--l1", l1, "--picture", str(picture))
        root = ElementTree.parse(picture).getroot()
        titles = [e.text or "" for e in root.iter("{http://www.w3.org/2000/svg}title")]
        assert any(title.startswith("fc.weight: 2048 bytes at") for title in titles)
        assert "lower bound" in picture.read_text() and "peak: " in picture.read_text()
    unwritable = str(tmp_path / "no" / "memory.svg")
    words = ["explain", cnn, "--stage", "memory", "--picture", unwritable]
    assert CliRunner().invoke(main, words).exit_code == 2


def test_deploy_says_what_it_wrote(
    cnn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    document = document_of("deploy", cnn, "--no-golden", "--steps", "7")
    assert document["folder"] == "small_cnn" and not document["golden"]
    assert document["training_steps"] == 7
    assert (tmp_path / "small_cnn" / "Makefile").exists()
    text = stdout_of("deploy", cnn, "--no-golden", "--force")
    assert "written to small_cnn" in text


def test_deploy_and_run_give_the_document_of_run(cnn: str, tmp_path: Path) -> None:
    words = [cnn, "-o", str(tmp_path / "out"), "--steps", "5", "--run"]
    document = document_of("run", *words)
    assert document["status"] == "ok" and document["steps"] == 5
    jsonschema.validate(document, document_schema("deploy"))
    document_of("run", "run", str(tmp_path / "out"), "--check", "fingerprint")


def test_targets_with_an_empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ready" in stdout_of("targets")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    document = document_of("targets", "targets")
    host = next(target for target in document["targets"] if target["name"] == "host")
    assert not host["ready"] and host["missing"] == ["cc", "make"]
    text = stdout_of("targets")
    assert "missing: cc, make" in text and "sudo apt install gcc libc6-dev make" in text


@pytest.mark.parametrize("schedule", ["", ", schedule: {type: step, step_size: 2}"])
def test_the_cost_of_an_optimizer_is_what_the_others_say_of_it(
    schedule: str, tmp_path: Path
) -> None:
    said: dict[str, set[int]] = {}
    for chosen in OPTIMIZERS:
        text = CNN.replace("type: sgd, lr: 0.02", f"type: {chosen}")
        text = text.replace(", epochs: 3}", f", epochs: 3{schedule}}}")
        (tmp_path / "m.yaml").write_text(text)
        found = document_of("check", "check", str(tmp_path / "m.yaml"))["optimizer"]
        for item in (found, *found["others"]):
            said.setdefault(item["type"], set()).add(item["bytes"])
    assert all(len(numbers) == 1 for numbers in said.values()), said
