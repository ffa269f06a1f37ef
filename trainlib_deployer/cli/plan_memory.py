"""`trainlib-deploy plan-memory`: the allocator alone, on a CSV of buffers."""

from __future__ import annotations

from dataclasses import replace
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
@effort_options
@json_option
@speech_options
def plan_memory(
    file: Path, capacity: int, as_json: bool, quiet: bool, verbose: bool, **searching: Any
) -> None:
    """Give each buffer of a CSV an offset, so that buffers alive together do not overlap.

    The columns are id,lower,upper,size: a buffer is alive over [lower, upper). The result is
    the same CSV with the column offset. The exit code is 3 when the capacity does not suffice.

    \b
    Example:
      trainlib-deploy plan-memory buffers.csv --capacity 64k
    """
    from trainlib_deployer.memory.allocate import allocate
    from trainlib_deployer.report import plan_memory_report as report
    from trainlib_deployer.report.buffers_csv import read_buffers, write_buffers

    progress = Progress(quiet, verbose)
    problem = replace(read_buffers(file), capacity=capacity)
    progress.stage(f"planning {len(problem.buffers)} buffers")
    search = effort(**searching)
    plan = allocate(problem, search_nodes=search.search_nodes, time_limit_s=search.time_limit_s)
    if plan.arena_bytes > capacity:
        raise DoesNotFitError(report.does_not_suffice(problem, plan, capacity))
    document = report.plan_memory_document(problem, plan, capacity)
    if as_json:
        echo_json(document)
        return
    echo_result(write_buffers(problem, plan))
    if not quiet:
        click.echo(report.plan_memory_summary(document), err=True)
