"""`plan-memory`: offsets of buffers, and how good they are."""

from __future__ import annotations

from trainlib_deployer.errors import Diagnostic
from trainlib_deployer.memory.need import peak_time
from trainlib_deployer.memory.problem import Buffer, Plan, Problem
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
    hit = "; the time limit was hit: the result may differ elsewhere"
    return (
        f"{document['arena']:,} of {document['capacity']:,} bytes, lower bound"
        f" {document['lower_bound']:,} ({proof}; {document['method']})"
        f"{hit if document['time_limit_hit'] else ''}"
    )


def does_not_suffice(problem: Problem, plan: Plan, capacity: int) -> Diagnostic:
    """Why the capacity is too small: a smallest set of buffers that cannot be there together."""
    if plan.lower_bound <= capacity:
        return Diagnostic(
            f"the smallest arena found takes {plan.arena_bytes:,} bytes, the capacity is"
            f" {capacity:,}; the lower bound is {plan.lower_bound:,}.",
            hint=f"Try --capacity {plan.arena_bytes}.",
        )
    time, together = _cannot_meet(problem, capacity)
    total = sum(buffer.size for buffer in together)
    names = ", ".join(f"{buffer.name} ({buffer.size:,})" for buffer in together[:_SHOWN])
    more = f" and {len(together) - _SHOWN:,} more" if len(together) > _SHOWN else ""
    return Diagnostic(
        f"at least {plan.lower_bound:,} bytes are needed, the capacity is {capacity:,}: at time"
        f" {time} the buffers {names}{more} are alive, together {total:,} bytes.",
        hint=f"Try --capacity {plan.arena_bytes}.",
    )


def _cannot_meet(problem: Problem, capacity: int) -> tuple[int, list[Buffer]]:
    """Without any one of these buffers, alive at the peak, the rest of them would fit."""
    time = peak_time(problem)
    alive = [buffer for buffer in problem.buffers if buffer.first <= time < buffer.last]
    total, chosen = 0, []
    for buffer in sorted(alive, key=lambda b: (-b.size, b.name)):
        if total > capacity:
            break
        chosen.append(buffer)
        total += buffer.size
    return time, chosen
