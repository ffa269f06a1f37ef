"""`plan-memory`: offsets of buffers, and how good they are."""

from __future__ import annotations

from trainlib_deployer.errors import Diagnostic
from trainlib_deployer.memory.budget import Budget
from trainlib_deployer.memory.explain import Infeasible, minimal_infeasible
from trainlib_deployer.memory.place import Effort
from trainlib_deployer.memory.problem import Plan, Problem
from trainlib_deployer.report.schema import (
    BOOLEAN,
    COUNT,
    STRING,
    Document,
    array,
    obj,
    ok_document,
)

_SHOWN = 8  # buffers of a message
TIME_LIMIT_WARNING = "the time limit ended the search: another machine may plan differently."

_BUFFER = obj({"id": STRING, "lower": COUNT, "upper": COUNT, "size": COUNT, "offset": COUNT})
PLAN_MEMORY_SCHEMA = ok_document(
    {
        "capacity": COUNT,
        "arena": COUNT,
        "lower_bound": COUNT,
        "gap": COUNT,
        "proven_optimal": BOOLEAN,
        "method": STRING,
        "search_nodes": COUNT,
        "time_limit_hit": BOOLEAN,
        "buffers": array(_BUFFER),
    }
)


def plan_memory_document(problem: Problem, plan: Plan, capacity: int) -> Document:
    """All sizes in bytes; `gap` is what the arena takes above the lower bound."""
    return {
        "schema": 1,
        "status": "ok",
        "capacity": capacity,
        "arena": plan.arena_bytes,
        "lower_bound": plan.lower_bound,
        "gap": plan.arena_bytes - plan.lower_bound,
        "proven_optimal": plan.proven_optimal,
        "method": plan.method,
        "search_nodes": plan.search_nodes,
        "time_limit_hit": plan.time_limit_hit,
        "buffers": [
            {
                "id": buffer.name,
                "lower": buffer.first,
                "upper": buffer.last,
                "size": buffer.size,
                "offset": plan.offsets[buffer.name],
            }
            for buffer in problem.buffers
        ],
    }


def plan_memory_summary(document: Document) -> str:
    """One line for stderr: stdout carries the CSV."""
    proof = "proven smallest" if document["proven_optimal"] else f"gap {document['gap']:,}"
    return (
        f"{document['arena']:,} of {document['capacity']:,} bytes, lower bound"
        f" {document['lower_bound']:,} ({proof}; {document['method']})"
    )


def does_not_suffice(problem: Problem, plan: Plan, capacity: int, effort: Effort) -> Diagnostic:
    """Need, limit, and a smallest set of buffers that cannot be placed together."""
    hint = f"Try --capacity {plan.arena_bytes}."
    limit = f"the capacity is {capacity:,} bytes"
    if plan.lower_bound <= capacity:
        return Diagnostic(
            f"the smallest arena found takes {plan.arena_bytes:,} bytes, {limit}; a smaller one may"
            f" exist: the lower bound is {plan.lower_bound:,}.",
            hint=f"{hint[:-1]}, or more --search-nodes.",
        )
    budget = Budget(effort.search_nodes, effort.time_limit_s)
    found = minimal_infeasible(problem, capacity, budget)
    together = f": {_together(found)}" if found else ""
    return Diagnostic(
        f"at least {plan.lower_bound:,} bytes are needed, {limit}{together}.", hint=hint
    )


def _together(found: Infeasible) -> str:
    names = ", ".join(f"{b.name} ({b.slot_bytes:,})" for b in found.buffers[:_SHOWN])
    count = len(found.buffers)
    more = f" and {count - _SHOWN:,} more" if count > _SHOWN else ""
    if found.time is not None:
        return (
            f"at time {found.time} the buffers {names}{more} are alive, together"
            f" {found.bytes:,} bytes"
        )
    one_less = "; without any one of them the rest would fit" if found.irreducible else ""
    return f"the {count:,} buffers {names}{more} cannot be placed together{one_less}"
