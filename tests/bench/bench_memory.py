"""How well the memory planner packs: python -m tests.bench.bench_memory [--write] [TABLE ...]

Rectangles cut to pieces, 5 % of their area left free (see rectangles.py), each planned on one core
until it fits the rectangle's height, for 60 seconds at most. `--write` puts the tables into
tests/bench/README.md. A TABLE is rectangles, uneven or large; without any, all are made.
"""

from __future__ import annotations

import platform
import re
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.rectangles import cut_rectangle
from trainlib_deployer.memory.allocate import allocate, fits_within
from trainlib_deployer.memory.budget import Budget
from trainlib_deployer.memory.check import check_plan
from trainlib_deployer.memory.exact import Outcome
from trainlib_deployer.memory.problem import Plan, Problem

README = Path(__file__).with_name("README.md")
SIZES = (50, 150, 250, 450)
SEEDS = range(10)
LIMIT_S = 60.0
UNEVEN_SIZES, UNEVEN_SEEDS, UNEVEN_LIMIT_S = (50, 150, 250), range(4), 20.0
LARGE, LARGE_SEEDS = 2000, range(4)
NO_LIMIT = 1 << 60


class Packed(NamedTuple):
    """One problem: CPU seconds until it fitted (None: never) and the bytes above the capacity."""

    seconds: float | None
    above: int


def pack(problem: Problem, limit_s: float) -> Packed:
    budget = Budget(NO_LIMIT, limit_s)
    started = time.process_time()
    solved = fits_within(problem, budget) is Outcome.SOLVED
    seconds = time.process_time() - started
    if solved:
        return Packed(seconds, 0)
    # the same nodes again, now for the plan
    plan = checked(problem, allocate(problem, search_nodes=budget.spent))
    return Packed(None, plan.arena_bytes - (problem.capacity or 0))


def checked(problem: Problem, plan: Plan) -> Plan:
    wrong = check_plan(Problem(problem.buffers), plan)
    if wrong:
        raise SystemExit(f"the checker refuses a plan: {wrong}")
    return plan


def rectangles_table() -> str:
    return fitting_table({s: [cut_rectangle(s, seed) for seed in SEEDS] for s in SIZES}, LIMIT_S)


def uneven_table() -> str:
    problems = {
        size: [cut_rectangle(size, seed, unevenly=True) for seed in UNEVEN_SEEDS]
        for size in UNEVEN_SIZES
    }
    return fitting_table(problems, UNEVEN_LIMIT_S)


def fitting_table(by_size: Mapping[int, Sequence[Problem]], limit_s: float) -> str:
    rows = [
        "| buffers | solved | median s | slowest solved s | arena above the capacity, unsolved |"
    ]
    rows.append("|---|---|---|---|---|")
    solved = total = 0
    for size, problems in by_size.items():
        runs = [pack(problem, limit_s) for problem in problems]
        good = [run.seconds for run in runs if run.seconds is not None]
        solved, total = solved + len(good), total + len(runs)
        above = [
            f"{run.above / (problem.capacity or 1):.1%}"
            for run, problem in zip(runs, problems, strict=True)
            if run.seconds is None
        ]
        rows.append(
            f"| {size} | {len(good)} of {len(runs)} | {statistics.median(good or [0]):.2f}"
            f" | {max(good, default=0):.2f} | {', '.join(above) or '-'} |"
        )
        print(rows[-1], file=sys.stderr, flush=True)
    rows.append(f"| all | {solved} of {total} ({solved / total:.0%}) | | | |")
    return "\n".join(rows)


def large_table() -> str:
    rows = [
        "| buffers | seed | CPU s | arena above the lower bound | way |",
        "|---|---|---|---|---|",
    ]
    for seed in LARGE_SEEDS:
        problem = cut_rectangle(LARGE, seed)
        started = time.process_time()
        plan = allocate(problem)
        seconds = time.process_time() - started
        checked(problem, plan)
        count = len(problem.buffers)
        rows.append(f"| {count:,} | {seed} | {seconds:.1f} | {plan.gap:.1%} | {plan.method} |")
        print(rows[-1], file=sys.stderr, flush=True)
    return "\n".join(rows)


TABLES = {"rectangles": rectangles_table, "uneven": uneven_table, "large": large_table}


def main() -> None:
    wanted = [word for word in sys.argv[1:] if word != "--write"] or list(TABLES)
    tables = {name: TABLES[name]() for name in wanted}
    print(f"Python {platform.python_version()}, {platform.machine()}")
    print(*tables.values(), sep="\n\n")
    if "--write" in sys.argv:
        text = README.read_text(encoding="utf-8")
        for name, table in tables.items():
            begin, end = f"<!-- bench_memory {name} -->\n", f"<!-- end bench_memory {name} -->"
            text = re.sub(f"{begin}.*?{end}", f"{begin}{table}\n{end}", text, flags=re.DOTALL)
        README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
