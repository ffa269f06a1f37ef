"""The allocator: greedy orders, then exact search and guided guesses, within a budget.

The smallest arena is looked for, and its proof: it equals the most bytes alive at one time, or the
search went through everything below it. The same number of search nodes gives the same plan on
every machine; a time limit only guards, and the plan says when it was hit.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from trainlib_deployer.memory.budget import Budget
from trainlib_deployer.memory.exact import Outcome
from trainlib_deployer.memory.part import Part, try_greedy, try_search
from trainlib_deployer.memory.problem import Plan, Problem
from trainlib_deployer.memory.timeline import Block, independent

DEFAULT_SEARCH_NODES = 200_000


def allocate(
    problem: Problem,
    *,
    search_nodes: int = DEFAULT_SEARCH_NODES,
    time_limit_s: float | None = None,
) -> Plan:
    """The best plan that the budget finds; see Plan for what it says of itself.

    The problem's capacity comes first: the arena is made to fit it, and then as small as can be.
    A plan is returned also when it does not fit. With no budget it is the best of the greedy ones.
    """
    budget = Budget(search_nodes, time_limit_s)
    grid, parts = _parts(problem, budget)
    if problem.capacity is not None:
        _lower(parts, problem.capacity // grid, budget)
    arena = max((part.arena for part in parts), default=0)
    while not budget.exhausted and arena > (goal := _bound(parts)):
        _lower(parts, goal, budget)
        arena = max(part.arena for part in parts)
    return _plan(problem, grid, parts, budget)


def fits_within(problem: Problem, budget: Budget) -> Outcome:
    """Whether the buffers fit the problem's capacity; STOPPED when the budget does not tell."""
    assert problem.capacity is not None
    grid, parts = _parts(problem, budget)
    _lower(parts, problem.capacity // grid, budget)
    if _bound(parts) * grid > problem.capacity:
        return Outcome.IMPOSSIBLE
    solved = all(part.arena * grid <= problem.capacity for part in parts)
    return Outcome.SOLVED if solved else Outcome.STOPPED


def _parts(problem: Problem, budget: Budget) -> tuple[int, list[Part]]:
    """What can be packed alone, the hardest first, in units of the grid."""
    grid = _grid(problem)
    blocks = [
        Block(b.first, b.last, b.slot_bytes // grid, max(1, b.alignment // grid), ((k, 0),))
        for k, b in enumerate(problem.buffers)
        if b.size
    ]
    parts = [try_greedy(group, budget) for group in independent(blocks)]
    return grid, sorted(parts, key=lambda part: -part.bound)


def _grid(problem: Problem) -> int:
    """The bytes of which all offsets of a settled packing are multiples."""
    buffers = [b for b in problem.buffers if b.size]
    grid, before = gcd(*(b.slot_bytes for b in buffers)), 0
    while grid != before:
        before = grid
        # an alignment that divides the grid moves nothing
        grid = gcd(grid, *(b.alignment for b in buffers if grid % b.alignment))
    return max(1, grid)


def _bound(parts: Sequence[Part]) -> int:
    return max((part.bound for part in parts), default=0)


def _lower(parts: Sequence[Part], goal: int, budget: Budget) -> None:
    """Lower the arena to the goal, or until it is proven that it cannot be: the largest decides."""
    while not budget.exhausted and _bound(parts) <= goal:
        largest = max(parts, key=lambda part: part.arena, default=None)
        if largest is None or largest.arena <= goal:
            return
        try_search(largest, goal, budget)


def _plan(problem: Problem, grid: int, parts: list[Part], budget: Budget) -> Plan:
    offsets = dict.fromkeys((b.name for b in problem.buffers), 0)
    for part in parts:
        for member, offset in zip(part.members, part.offsets, strict=True):
            offsets[problem.buffers[member].name] = offset * grid
    arena = max((part.arena for part in parts), default=0)
    bound = _bound(parts)
    decisive = max(parts, key=lambda part: part.arena, default=None)
    return Plan(
        offsets,
        arena * grid,
        bound * grid,
        proven_optimal=arena <= bound,
        method=decisive.method if decisive else "empty",
        search_nodes=budget.spent,
        time_limit_hit=budget.time_limit_hit,
    )
