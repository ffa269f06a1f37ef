"""Portfolio of greedy orders with best-fit placement, against the max-live lower bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trainlib_deployer.memory.problem import Buffer, Plan, Problem

_ORDERS: dict[str, Callable[[Buffer], tuple[object, ...]]] = {
    "size": lambda b: (-b.size, b.first, b.name),
    "area": lambda b: (-b.size * (b.last - b.first), b.first, b.name),
    "lifetime": lambda b: (b.first - b.last, -b.size, b.name),
    "start": lambda b: (b.first, -b.size, b.name),
    "end": lambda b: (-b.last, -b.size, b.name),
}


def allocate(problem: Problem, *, search_nodes: int = 0, time_limit_s: float | None = None) -> Plan:
    """The smallest arena of all orders; stops at the lower bound, which proves it smallest."""
    bound = lower_bound(problem.buffers)
    best: tuple[int, str, dict[str, int]] | None = None
    for name, key in _ORDERS.items():
        offsets = _place(sorted(problem.buffers, key=key))
        arena = max((offsets[b.name] + b.size for b in problem.buffers), default=0)
        if best is None or arena < best[0]:
            best = (arena, name, offsets)
        if arena <= bound:
            break
    assert best is not None
    arena, name, offsets = best
    return Plan(offsets, arena, bound, arena <= bound, f"greedy by {name}")


def lower_bound(buffers: Sequence[Buffer]) -> int:
    """The largest sum of sizes alive at one time."""
    times = {b.first for b in buffers}
    return max((sum(b.size for b in buffers if b.first <= t < b.last) for t in times), default=0)


def _place(order: Sequence[Buffer]) -> dict[str, int]:
    """Each buffer at the lowest gap among those that it meets."""
    offsets: dict[str, int] = {}
    placed: list[Buffer] = []
    for buffer in order:
        taken = sorted(
            (offsets[o.name], offsets[o.name] + o.size) for o in placed if o.meets(buffer)
        )
        at = 0
        for start, end in taken:
            if start - at >= buffer.size:
                break
            at = max(at, -(-end // buffer.alignment) * buffer.alignment)
        offsets[buffer.name] = at
        placed.append(buffer)
    return offsets
