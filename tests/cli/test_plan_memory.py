"""`plan-memory`: CSV in, CSV with offsets out; bad files get clear errors."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.rectangles import cut_rectangle
from trainlib_deployer.cli import main
from trainlib_deployer.errors import SpecError
from trainlib_deployer.memory.problem import Plan
from trainlib_deployer.memory.problem_csv import read_problem, write_plan
from trainlib_deployer.report.documents import document_schema

GOOD = "id,lower,upper,size\na,0,2,100\nb,1,3,50\nc,2,4,100\n"


def plan(folder: Path, text: str | bytes, *options: str) -> Result:
    file = folder / "buffers.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CliRunner().invoke(main, ["plan-memory", str(file), *options])


def test_the_result_is_the_csv_with_offsets(tmp_path: Path) -> None:
    result = plan(tmp_path, GOOD, "--capacity", "150")
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    placed = [(int(r["lower"]), int(r["upper"]), int(r["offset"]), int(r["size"])) for r in rows]
    for i, (l1, u1, o1, s1) in enumerate(placed):
        assert o1 + s1 <= 150
        for l2, u2, o2, s2 in placed[:i]:
            assert u1 <= l2 or u2 <= l1 or o1 + s1 <= o2 or o2 + s2 <= o1
    assert "150 of 150 bytes" in result.stderr and "proven smallest" in result.stderr
    # what came out goes in again
    again = plan(tmp_path, result.stdout, "--capacity", "1k", "-q")
    assert (again.exit_code, again.stdout, again.stderr) == (0, result.stdout, "")


def test_json(tmp_path: Path) -> None:
    result = plan(tmp_path, GOOD, "--capacity", "1k", "--json", "--search-nodes", "0")
    document = json.loads(result.stdout)
    jsonschema.validate(document, document_schema("plan-memory"))
    assert (document["arena"], document["lower_bound"], document["gap"]) == (150, 150, 0)


@pytest.mark.parametrize("capacity", ["0", "149"])
def test_a_capacity_too_small_is_3_and_names_who_cannot_meet(tmp_path: Path, capacity: str) -> None:
    result = plan(tmp_path, GOOD, "--capacity", capacity)
    assert result.exit_code == 3 and result.stdout == ""
    assert "a (100)" in result.stderr and "--capacity 150" in result.stderr
    assert "c (100)" not in result.stderr


def hard() -> str:
    """No greedy order packs this to its lower bound."""
    problem = cut_rectangle(50, 3)
    return write_plan(problem, Plan({b.name: 0 for b in problem.buffers}, 0, 0, False, "none"))


def test_a_time_limit_that_was_hit_is_told_and_recorded(tmp_path: Path) -> None:
    result = plan(tmp_path, hard(), "--capacity", "2M", "--time-limit", "0", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["time_limit_hit"]
    assert "warning: the time limit ended the search" in result.stderr
    result = plan(tmp_path, hard(), "--capacity", "2M", "--search-nodes", "50000", "--json")
    document = json.loads(result.stdout)
    assert not document["time_limit_hit"] and "warning" not in result.stderr
    assert document["proven_optimal"] and document["arena"] == 1 << 20


def test_a_capacity_that_only_more_effort_could_reach_is_3(tmp_path: Path) -> None:
    result = plan(tmp_path, hard(), "--capacity", "1M", "--search-nodes", "0")
    assert result.exit_code == 3
    assert "the smallest arena found takes" in result.stderr and "--search-nodes" in result.stderr


def test_the_picture_shows_every_buffer(tmp_path: Path) -> None:
    picture = tmp_path / "map.svg"
    result = plan(tmp_path, GOOD, "--capacity", "1k", "--picture", str(picture))
    assert result.exit_code == 0
    assert picture.read_text().count("<title>") == 3
    unwritable = str(tmp_path / "no" / "map.svg")
    assert plan(tmp_path, GOOD, "--capacity", "1k", "--picture", unwritable).exit_code == 2


def test_a_plan_that_the_checker_refuses_is_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Plan({"a": 0, "b": 0, "c": 0}, 100, 100, True, "broken")
    monkeypatch.setattr("trainlib_deployer.memory.allocate.allocate", lambda *_, **__: wrong)
    result = plan(tmp_path, GOOD, "--capacity", "1k")
    assert result.exit_code == 1 and result.stdout == ""
    assert "buffers 'a' and 'b' overlap" in result.stderr


def test_no_buffers_need_nothing(tmp_path: Path) -> None:
    assert plan(tmp_path, "id,lower,upper,size\n", "--capacity", "0").exit_code == 0


BAD = {
    "empty": ("", "the column 'id' is missing"),
    "no header": ("a,0,2,100\n", "the column 'lower' is missing"),
    "other column": (GOOD.replace("size", "sizes"), "Did you mean 'size'?"),
    "too few": (GOOD + "d,1\n", ":5:1: the line has too few"),
    "too many": (GOOD + "d,1,2,3,4\n", ":5:1: the line has too few or too many"),
    "text": (GOOD + "d,1,2,many\n", ":5:1: size takes a whole number"),
    "negative": (GOOD + "d,1,2,-4\n", "size takes a whole number from 0 to 2^40, not '-4'"),
    "huge": (GOOD + f"d,1,2,{2**40 + 1}\n", "size takes a whole number"),
    "huge text": (GOOD + f"d,1,2,{'9' * 6000}\n", "size takes a whole number"),
    "fraction": (GOOD + "d,0.5,2,1\n", "lower takes a whole number"),
    "reversed": (GOOD + "d,2,1,4\n", ":5:1: 'd' lives over [2, 1): upper must be above lower"),
    "no life": (GOOD + "d,2,2,4\n", "upper must be above lower"),
    "twice": (GOOD + "a,2,3,4\n", ":5:1: the id 'a' is there twice"),
    "no id": (GOOD + ",2,3,4\n", ":5:1: the id is empty"),
    "open quote": (GOOD + '"d,2,3,4\n', "unexpected end of data"),
    "binary": (b"\xff\xfe\x00", "is not text in UTF-8"),
}


@pytest.mark.parametrize(("text", "told"), BAD.values(), ids=BAD.keys())
def test_bad_files_are_2(tmp_path: Path, text: str | bytes, told: str) -> None:
    result = plan(tmp_path, text, "--capacity", "1k")
    assert result.exit_code == 2
    assert told in result.stderr and "Traceback" not in result.output


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    result = plan(tmp_path, GOOD + "d,1,x,-1\ne,3,2,1\n", "--capacity", "1k", "--json")
    errors = json.loads(result.stdout)["errors"]
    assert [error["line"] for error in errors] == [5, 5, 6]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "no.csv", tmp_path):
        result = CliRunner().invoke(main, ["plan-memory", str(path), "--capacity", "1"])
        assert result.exit_code == 2 and "cannot read" in result.stderr


@given(text=st.text(alphabet='abc,0123\n\r"- \x00', max_size=80))
def test_garbage_is_refused_or_read(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "garbage.csv"
    file.write_bytes(b"id,lower,upper,size\n" + text.encode())
    try:
        problem = read_problem(file)
    except SpecError:
        return
    assert all(0 <= b.first < b.last for b in problem.buffers)
