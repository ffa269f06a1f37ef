"""Problems as CSV: the round trip is exact, every error has its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.memory_problems import problems
from trainlib_deployer.errors import SpecError
from trainlib_deployer.memory.allocate import allocate
from trainlib_deployer.memory.problem import Buffer, Problem
from trainlib_deployer.memory.problem_csv import parse_problem, write_plan

GOOD = b"id,lower,upper,size\na,0,2,100\nb,1,3,50\n"


@given(problem=problems(), data=st.data())
def test_the_round_trip_is_exact(problem: Problem, data: st.DataObject) -> None:
    letters = st.characters(exclude_categories=("Cs",), exclude_characters="\0\r")
    words = st.text(letters, min_size=1).map(str.strip).filter(bool)
    names = data.draw(
        st.lists(words, min_size=len(problem.buffers), max_size=len(problem.buffers), unique=True)
    )
    named = tuple(
        Buffer(name, b.size, b.first, b.last)
        for name, b in zip(names, problem.buffers, strict=True)
    )
    problem = Problem(named)
    text = write_plan(problem, allocate(problem, search_nodes=0))
    assert parse_problem(text.encode(), "x.csv") == problem


def test_what_spreadsheets_write_is_read() -> None:
    expected = parse_problem(GOOD, "x.csv")
    for text in (
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b",", b", "),
        GOOD.rstrip() + b"\n\n",
        b"size,id,upper,lower\n100,a,2,0\n50,b,3,1\n",
    ):
        assert parse_problem(text, "x.csv") == expected
    assert parse_problem(GOOD, "x.csv", 7).capacity == 7


BAD = {
    "empty": (b"", ["1:1: the column 'id'", "'lower'", "'upper'", "'size' is missing"]),
    "no header": (b"a,0,2,100\n", ["x.csv:1:1: the column 'lower' is missing"]),
    "wrong column": (GOOD.replace(b"size", b"sizes"), ["Did you mean 'size'?"]),
    "column twice": (b"id,lower,upper,size,size\n", ["the column 'size' is there twice"]),
    "too few": (GOOD + b"d,1\n", ["x.csv:4:1: the line has too few"]),
    "too many": (GOOD + b"d,1,2,3,4\n", ["x.csv:4:1: the line has too few or too many"]),
    "reversed": (GOOD + b"d,2,1,4\n", ["x.csv:4:1: 'd' lives over [2, 1)"]),
    "no life": (GOOD + b"d,2,2,4\n", ["upper must be above lower"]),
    "negative": (GOOD + b"d,1,2,-4\n", ["x.csv:4:1: size takes a whole number", "not '-4'"]),
    "too large": (GOOD + b"d,1,2,1099511627777\n", ["x.csv:4:1: size takes"]),
    "too late": (GOOD + b"d,1,1099511627777,2\n", ["x.csv:4:1: upper takes"]),
    "digits": (GOOD + b"d,1,2," + b"9" * 5000 + b"\n", ["size takes a whole number"]),
    "arabic": (GOOD + "d,1,2,٣\n".encode(), ["size takes a whole number"]),
    "twice": (GOOD + b"a,2,3,4\n", ["x.csv:4:1: the id 'a' is there twice", "line 2"]),
    "no id": (GOOD + b" ,2,3,4\n", ["x.csv:4:1: the id is empty"]),
    "open quote": (GOOD + b'"d,2,3,4\n', ["x.csv:4:1:"]),
    "latin-1": (GOOD + b"\xe9,2,3,4\n", ["x.csv:4:1: this is not text in UTF-8"]),
    "NUL": (GOOD + b"d\0,2,3,4\n", ["x.csv:4:2: the line holds a NUL"]),
    "many": (
        GOOD + b"d,9,1,5\n,1,2,3\nb,1,2,-3\n",
        ["x.csv:4:1: 'd' lives", "x.csv:5:1: the id", "x.csv:6:1: size takes"],
    ),
}


@pytest.mark.parametrize(("content", "told"), BAD.values(), ids=BAD.keys())
def test_bad_files_are_told_line_by_line(content: bytes, told: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        parse_problem(content, "x.csv")
    for words in told:
        assert words in str(caught.value)


@given(content=st.binary(max_size=60))
def test_garbage_is_refused_or_read(content: bytes) -> None:
    try:
        problem = parse_problem(b"id,lower,upper,size\n" + content, "x.csv")
    except SpecError:
        return
    assert all(0 <= b.first < b.last for b in problem.buffers)
