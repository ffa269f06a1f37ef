"""A smallest infeasible set is infeasible, and would not be with one buffer less."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from tests.unit.memory_problems import problems, smallest_arena
from tests.unit.test_memory_allocate import above_the_bound
from trainlib_deployer.memory.budget import Budget
from trainlib_deployer.memory.explain import minimal_infeasible
from trainlib_deployer.memory.problem import Buffer, Problem


@settings(max_examples=100)
@given(problem=problems(max_buffers=6, max_time=6, alignments=(1, 4)))
def test_the_set_is_infeasible_and_irreducible(problem: Problem) -> None:
    smallest = smallest_arena(problem)
    assert minimal_infeasible(problem, smallest, Budget(50_000)) is None
    for capacity in {0, smallest // 2, smallest - 1} - {-1, smallest}:
        found = minimal_infeasible(problem, capacity, Budget(50_000))
        assert found is not None and found.irreducible
        assert smallest_arena(Problem(found.buffers)) > capacity
        for one in found.buffers:
            rest = tuple(b for b in found.buffers if b is not one)
            assert smallest_arena(Problem(rest)) <= capacity


def test_the_fewest_buffers_of_one_time() -> None:
    small = [Buffer(f"s{i}", 10, 0, 5) for i in range(20)]
    large = [Buffer("x", 70, 3, 5), Buffer("y", 60, 4, 6), Buffer("z", 55, 4, 5)]
    found = minimal_infeasible(Problem((*small, *large)), 120, Budget(0))
    assert found is not None
    assert [b.name for b in found.buffers] == ["x", "y"] and found.time == 4
    assert found.bytes == 130 and found.irreducible


def test_a_set_that_only_the_search_finds() -> None:
    base = above_the_bound()
    apart = tuple(Buffer(f"later{i}", 1, 20 + i, 21 + i) for i in range(5))
    problem = replace(base, buffers=(*base.buffers, *apart))
    found = minimal_infeasible(problem, smallest_arena(base) - 1, Budget(200_000))
    assert found is not None and found.time is None and found.irreducible
    assert set(found.buffers) <= set(base.buffers)
    assert smallest_arena(Problem(found.buffers)) == smallest_arena(base)
    # without a budget nothing is proven, and nothing is claimed
    assert minimal_infeasible(problem, smallest_arena(base) - 1, Budget(0)) is None
