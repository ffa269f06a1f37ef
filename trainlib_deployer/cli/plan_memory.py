"""`trainlib-deploy plan-memory`: the allocator alone, on a CSV of buffers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trainlib_deployer.cli.options import (
    FILE,
    effort,
    effort_options,
    json_option,
    size,
    speech_options,
)
from trainlib_deployer.cli.output import Progress, echo_json, echo_result
from trainlib_deployer.errors import DoesNotFitError


@click.command(name="plan-memory", short_help="The memory allocator alone, on a CSV.")
@click.argument("file", type=FILE, metavar="FILE.csv")
@click.option("--capacity", type=size, required=True, metavar="SIZE", help="What must suffice.")
@click.option("--picture", type=FILE, metavar="FILE.svg", help="Draw the memory map.")
@effort_options
@json_option
@speech_options
def plan_memory(
    file: Path,
    capacity: int,
    picture: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **searching: Any,
) -> None:
    """Give each buffer of a CSV an offset, so that buffers alive together do not overlap.

    The columns are id,lower,upper,size: a buffer is alive over [lower, upper). The result is
    the same CSV with the column offset. The exit code is 3 when the capacity does not suffice.

    \b
    Example:
      trainlib-deploy plan-memory buffers.csv --capacity 64k
    """
    from trainlib_deployer.memory.allocate import allocate
    from trainlib_deployer.memory.check import check_plan
    from trainlib_deployer.memory.problem_csv import read_problem, write_plan
    from trainlib_deployer.report import plan_memory_report as report

    progress = Progress(quiet, verbose)
    problem = read_problem(file, capacity)
    progress.stage(f"planning {len(problem.buffers)} buffers")
    search = effort(**searching)
    plan = allocate(problem, search_nodes=search.search_nodes, time_limit_s=search.time_limit_s)
    if plan.time_limit_hit:
        progress.warn(report.TIME_LIMIT_WARNING)
    if not plan.fits(capacity):
        raise DoesNotFitError(report.does_not_suffice(problem, plan, capacity, search))
    wrong = check_plan(problem, plan)
    if wrong:
        raise AssertionError(f"the checker refuses the plan: {'; '.join(wrong)}")
    if picture:
        from trainlib_deployer.render.memory_map import plan_picture, write_picture

        progress.stage(f"drawing {picture}")
        write_picture(picture, plan_picture(file.name, problem, plan))
    document = report.plan_memory_document(problem, plan, capacity)
    if as_json:
        echo_json(document)
        return
    echo_result(write_plan(problem, plan).rstrip("\n"))
    if not quiet:
        click.echo(report.plan_memory_summary(document), err=True)
