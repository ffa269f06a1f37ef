"""The allocator: always right, never above what is proven, the same every time, never a hang."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.rectangles import cut_rectangle
from tests.unit.memory_problems import problems, smallest_arena
from trainlib_deployer.memory.allocate import allocate, fits_within
from trainlib_deployer.memory.budget import Budget
from trainlib_deployer.memory.check import check_plan
from trainlib_deployer.memory.exact import Outcome
from trainlib_deployer.memory.problem import Buffer, Problem

ALIGNMENTS = ((1,), (8,), (1, 2, 4, 8), (3, 4))


@settings(max_examples=80)
@given(data=st.data(), alignments=st.sampled_from(ALIGNMENTS), nodes=st.sampled_from((0, 50, 3000)))
def test_every_plan_is_right(data: st.DataObject, alignments: tuple[int, ...], nodes: int) -> None:
    problem = data.draw(problems(alignments=alignments))
    plan = allocate(problem, search_nodes=nodes)
    assert check_plan(problem, plan) == []
    assert plan.search_nodes <= nodes
    assert plan == allocate(problem, search_nodes=nodes)
    assert not plan.time_limit_hit


@settings(max_examples=150)
@given(data=st.data(), alignments=st.sampled_from(ALIGNMENTS))
def test_small_problems_are_solved_to_the_optimum(
    data: st.DataObject, alignments: tuple[int, ...]
) -> None:
    problem = data.draw(problems(max_buffers=6, alignments=alignments))
    plan = allocate(problem, search_nodes=20_000)
    assert (plan.arena_bytes, plan.lower_bound) == (smallest_arena(problem),) * 2
    assert plan.proven_optimal and plan.gap == 0


def test_a_common_grain_of_the_sizes_keeps_every_alignment() -> None:
    sizes = {"a": (72, 8), "b": (48, 16), "c": (24, 3)}
    problem = Problem(tuple(Buffer(name, size, 0, 1, at) for name, (size, at) in sizes.items()))
    first_order = allocate(problem, search_nodes=0, time_limit_s=0)
    assert first_order.offsets == {"a": 0, "b": 80, "c": 129}
    assert allocate(problem).arena_bytes == 72 + 48 + 24


def above_the_bound() -> Problem:
    """At most 5 bytes are alive at one time, but no arena of 5 bytes holds these."""
    lives = [(3, 0, 4), (1, 4, 6), (2, 6, 8), (1, 5, 7), (1, 5, 6), (3, 7, 8), (2, 0, 2)]
    lives += [(2, 2, 5), (2, 4, 7)]
    return Problem(tuple(Buffer(f"b{i}", *life) for i, life in enumerate(lives)))


def test_the_search_raises_the_lower_bound_to_what_it_proves() -> None:
    problem = above_the_bound()
    plan = allocate(problem)
    assert plan.lower_bound == plan.arena_bytes == smallest_arena(problem) > problem.lower_bound
    assert plan.proven_optimal
    capacity = plan.arena_bytes - 1
    assert fits_within(replace(problem, capacity=capacity), Budget(9000)) is Outcome.IMPOSSIBLE
    assert fits_within(replace(problem, capacity=capacity + 1), Budget(9000)) is Outcome.SOLVED
    assert fits_within(replace(problem, capacity=capacity), Budget(0)) is Outcome.STOPPED


@pytest.mark.parametrize(("count", "seed"), [(50, 0), (50, 1), (150, 0), (150, 1)])
def test_dense_rectangles_are_packed_within_their_height(count: int, seed: int) -> None:
    problem = cut_rectangle(count, seed)
    plan = allocate(problem, search_nodes=100_000)
    assert check_plan(problem, plan) == []


def test_a_chain_of_layers_needs_no_search() -> None:
    """Activations that live until their backward Step, gradients that pass from one to the next."""
    n = 60
    sizes = [random.Random(1).randrange(64, 9000) for _ in range(n)]
    acts = [Buffer(f"y{i}", size, i, 2 * n - i, 8) for i, size in enumerate(sizes)]
    grads = [
        Buffer(f"dy{i}", size, 2 * n - i - 1, 2 * n - i + 1, 8) for i, size in enumerate(sizes)
    ]
    started = time.process_time()
    plan = allocate(Problem((*acts, *grads)))
    assert plan.arena_bytes == plan.lower_bound and plan.method.startswith("greedy")
    assert time.process_time() - started < 1


def test_the_time_limit_ends_the_search_and_is_told() -> None:
    problem = cut_rectangle(150, 2)
    for limit in (0, 0.05):
        started = time.monotonic()
        plan = allocate(problem, search_nodes=1 << 60, time_limit_s=limit)
        assert plan.time_limit_hit and time.monotonic() - started < 5
        assert plan.gap > 0 and not plan.proven_optimal
        assert check_plan(replace(problem, capacity=None), plan) == []


def test_extremes() -> None:
    assert allocate(Problem(())).arena_bytes == 0
    nothing = allocate(Problem((Buffer("a", 0, 0, 1),), 0))
    assert nothing.arena_bytes == 0 and nothing.proven_optimal and nothing.offsets == {"a": 0}
    huge = Problem(tuple(Buffer(f"b{i}", 1 << 40, i, (1 << 40) - i, 1 << 20) for i in range(30)), 0)
    plan = allocate(huge, search_nodes=5000)
    assert plan.arena_bytes == 30 << 40 and not plan.fits(0)
    odd = Problem((Buffer("a", 3, 0, 2, 4), Buffer("b", 1, 1, 3)), 1 << 40)
    assert allocate(odd).arena_bytes == 5


def test_a_large_problem_is_planned_in_seconds() -> None:
    problem = replace(cut_rectangle(700, 0), capacity=None)
    started = time.process_time()
    plan = allocate(problem)
    assert time.process_time() - started < 15
    assert check_plan(problem, plan) == []
