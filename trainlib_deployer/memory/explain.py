"""Why a problem does not fit: a smallest set of buffers that cannot be placed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainlib_deployer.memory.allocate import fits_within
from trainlib_deployer.memory.budget import Budget
from trainlib_deployer.memory.exact import Outcome
from trainlib_deployer.memory.problem import Buffer, Problem

_SHARES = 4  # of the budget, for one question


@dataclass(frozen=True)
class Infeasible:
    """Buffers that do not fit the capacity together.

    `time` is set when all of them are alive then: their bytes alone are too many, and no other set
    alive at one time has fewer members. `irreducible` says that any one less would fit; False
    where the budget did not suffice to tell.
    """

    buffers: tuple[Buffer, ...]
    time: int | None
    irreducible: bool

    @property
    def bytes(self) -> int:
        """Their slots added up; where `time` is None not all of them are alive at once."""
        return sum(b.slot_bytes for b in self.buffers)


def minimal_infeasible(problem: Problem, capacity: int, budget: Budget) -> Infeasible | None:
    """A smallest set of buffers that cannot fit, or None when there may be none.

    Where more bytes than the capacity are alive at one time: the fewest buffers that exceed it.
    Else, if the search proves that the whole does not fit: what is left of it after every buffer
    has been taken out without which the rest still does not fit.
    """
    at_once = _at_one_time(problem.buffers, capacity)
    if at_once is not None:
        return at_once
    if _fits(problem.buffers, capacity, budget) is not Outcome.IMPOSSIBLE:
        return None
    return _filtered(problem.buffers, capacity, budget)


def _at_one_time(buffers: Sequence[Buffer], capacity: int) -> Infeasible | None:
    """The fewest buffers, alive at one time, with more bytes than the capacity."""
    best: tuple[Buffer, ...] | None = None
    best_time = 0
    for time in sorted({b.first for b in buffers}):
        alive = [b for b in buffers if b.first <= time < b.last]
        if sum(b.slot_bytes for b in alive) <= capacity:
            continue
        chosen = _largest(alive, capacity)
        if best is None or len(chosen) < len(best):
            best, best_time = chosen, time
    return None if best is None else Infeasible(best, best_time, irreducible=True)


def _largest(alive: Sequence[Buffer], capacity: int) -> tuple[Buffer, ...]:
    """The largest first, until they exceed the capacity: no set has fewer members."""
    total = 0
    chosen = []
    for buffer in sorted(alive, key=lambda b: (-b.slot_bytes, b.name)):
        chosen.append(buffer)
        total += buffer.slot_bytes
        if total > capacity:
            break
    return tuple(chosen)


def _filtered(buffers: Sequence[Buffer], capacity: int, budget: Budget) -> Infeasible:
    """Take out what is not needed for the proof: the smallest areas first."""
    kept = list(buffers)
    irreducible = True
    for buffer in sorted(buffers, key=lambda b: (b.size * (b.last - b.first), b.name)):
        if budget.exhausted:
            return Infeasible(tuple(kept), None, irreducible=False)
        rest = [b for b in kept if b is not buffer]
        outcome = _fits(rest, capacity, budget)
        if outcome is Outcome.IMPOSSIBLE:
            kept = rest
        elif outcome is Outcome.STOPPED:
            irreducible = False
    return Infeasible(tuple(kept), None, irreducible)


def _fits(buffers: Sequence[Buffer], capacity: int, budget: Budget) -> Outcome:
    """Whether they fit, within a part of the budget: no one question may take all of it."""
    share = budget.share(budget.nodes // _SHARES)
    outcome = fits_within(Problem(tuple(buffers), capacity), share)
    budget.spend(share.spent)
    return outcome
