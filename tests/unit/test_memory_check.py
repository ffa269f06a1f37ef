"""The checker finds every kind of wrong plan, and names who is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.memory_problems import problems
from trainlib_deployer.memory.allocate import allocate
from trainlib_deployer.memory.check import check_plan
from trainlib_deployer.memory.problem import Buffer, Plan, Problem

PROBLEM = Problem(
    (
        Buffer("a", 100, 0, 2, 4),
        Buffer("b", 50, 1, 3, 2),
        Buffer("c", 100, 2, 4, 4),
        Buffer("empty", 0, 0, 4),
    ),
    200,
)
OFFSETS = {"a": 0, "b": 100, "c": 0, "empty": 7}
PLAN = Plan(OFFSETS, 150, 150, True, "by hand")


def test_a_right_plan_passes() -> None:
    assert check_plan(PROBLEM, PLAN) == []


WRONG = {
    "missing": ({"offsets": {"a": 0, "b": 100, "empty": 0}}, "buffer 'c' has no offset"),
    "unknown": ({"offsets": {**OFFSETS, "d": 0}}, "no buffer is called 'd'"),
    "negative": ({"offsets": {**OFFSETS, "c": -4}}, "'c' lies at the negative offset -4"),
    "misaligned": ({"offsets": {**OFFSETS, "b": 101}}, "'b' at 101 is not aligned to 2 bytes"),
    "beyond": ({"offsets": {**OFFSETS, "b": 102}}, "'b' ends at 152, beyond the arena of 150"),
    "overlap": (
        {"offsets": {**OFFSETS, "b": 98}},
        "'a' and 'b' overlap: both hold byte 98 at time",
    ),
    "too large": ({"arena_bytes": 160, "proven_optimal": False}, "its top is at 150"),
    "low bound": ({"lower_bound": 149, "proven_optimal": False}, "150 bytes are alive at one time"),
    "high bound": ({"lower_bound": 151}, "the lower bound 151 is above the arena of 150"),
    "not proven": ({"arena_bytes": 152}, "said to be proven smallest"),
}


@pytest.mark.parametrize(("changes", "told"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_plan_is_found(changes: dict[str, object], told: str) -> None:
    found = check_plan(PROBLEM, replace(PLAN, **changes))  # type: ignore[arg-type]
    assert any(told in message for message in found), found


def test_a_capacity_that_does_not_suffice_is_found() -> None:
    found = check_plan(replace(PROBLEM, capacity=149), PLAN)
    assert found == ["the arena takes 150 bytes, the capacity is 149"]


@given(
    data=st.data(),
    problem=problems(max_buffers=15, alignments=(1, 2)),
)
def test_moving_a_buffer_into_another_names_both(data: st.DataObject, problem: Problem) -> None:
    plan = allocate(problem, search_nodes=200)
    pairs = [
        (a, b)
        for a in problem.buffers
        for b in problem.buffers
        if a is not b and a.size and b.size and a.first < b.last and b.first < a.last
    ]
    assume(pairs)
    moved, other = data.draw(st.sampled_from(pairs))
    # anywhere from touching its first byte to touching its last one
    low = max(0, plan.offsets[other.name] - moved.size + 1)
    high = plan.offsets[other.name] + other.size - 1
    offset = data.draw(st.integers(low, high))
    found = check_plan(problem, replace(plan, offsets={**plan.offsets, moved.name: offset}))
    both = {f"'{moved.name}'", f"'{other.name}'"}
    assert any("overlap" in message and all(b in message for b in both) for message in found)


def test_two_thousand_buffers_are_checked_in_seconds() -> None:
    buffers = tuple(Buffer(f"b{i}", 10 + i % 7, i, i + 40) for i in range(2000))
    plan = allocate(Problem(buffers), search_nodes=0)
    assert check_plan(Problem(buffers), plan) == []
