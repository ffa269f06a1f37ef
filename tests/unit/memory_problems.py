"""Random allocation problems and a solver that is slow and sure, for the tests of memory/."""

from __future__ import annotations

from hypothesis import strategies as st

from trainlib_deployer.memory.problem import Buffer, Problem


@st.composite
def problems(
    draw: st.DrawFn,
    max_buffers: int = 20,
    max_size: int = 12,
    max_time: int = 8,
    alignments: tuple[int, ...] = (1,),
) -> Problem:
    """Any lifetimes; small sizes, so that coincidences are frequent."""
    buffers = []
    for index in range(draw(st.integers(0, max_buffers))):
        first = draw(st.integers(0, max_time - 1))
        last = draw(st.integers(first + 1, max_time))
        size = draw(st.integers(0, max_size))
        alignment = draw(st.sampled_from(alignments))
        buffers.append(Buffer(f"b{index}", size, first, last, alignment))
    return Problem(tuple(buffers))


def smallest_arena(problem: Problem) -> int:
    """By all orders from the bottom up, each buffer on what was placed before it."""
    buffers = [b for b in problem.buffers if b.size]
    best = sum(b.size + b.alignment for b in buffers)

    def place(left: list[Buffer], placed: list[tuple[Buffer, int]], lowest: int, top: int) -> None:
        nonlocal best
        if not left:
            best = top
        for b in left:
            below = (end for o, end in placed if o.first < b.last and b.first < o.last)
            at = -(-max(below, default=0) // b.alignment) * b.alignment
            end = at + -(-b.size // b.alignment) * b.alignment
            if at >= lowest and max(end, top) < best:
                rest = [o for o in left if o is not b]
                place(rest, [*placed, (b, end)], at, max(end, top))

    place(buffers, [], 0, 0)
    return best
