"""`trainlib-deploy explain`: what a stage decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trainlib_deployer.cli.options import (
    FILE,
    Planning,
    device_options,
    json_option,
    speech_options,
)
from trainlib_deployer.cli.output import Progress, echo_json, echo_result

_STAGES = ("graph", "schedule", "memory", "tiles", "kernels")


@click.command(short_help="Show what a stage decided.")
@click.argument("model", type=FILE, metavar="MODEL.yaml")
@click.option("--stage", type=click.Choice(_STAGES), required=True, help="What to explain.")
@device_options
@click.option(
    "--picture", type=FILE, metavar="FILE.svg", help="Draw the memory map (with --stage memory)."
)
@json_option
@speech_options
def explain(
    model: Path,
    stage: str,
    picture: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **planning: Any,
) -> None:
    """Show what one stage of the tool decided for a network.

    \b
    Example:
      trainlib-deploy explain examples/digits/cnn.yaml --stage memory --picture memory.svg
    """
    if picture and stage != "memory":
        raise click.UsageError("--picture draws the memory map: use it with --stage memory.")
    progress = Progress(quiet, verbose)
    project = Planning(**planning).project(model, progress)
    if picture:
        from trainlib_deployer.render.memory_map import project_picture, write_picture

        progress.stage(f"drawing {picture}")
        write_picture(picture, project_picture(project))

    from trainlib_deployer.report.explain import explain_document, explain_text

    document = explain_document(project, stage)
    if as_json:
        echo_json(document)
    else:
        echo_result(explain_text(document))
