"""`trainlib-deploy MODEL.yaml`: plan the network and write its C project."""

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


@click.command(name="deploy")
@click.argument("model", type=FILE, metavar="MODEL.yaml")
@device_options
@click.option("-o", "--out", type=FILE, metavar="DIR", help="The project's folder; ./<name>.")
@click.option(
    "--steps", type=click.IntRange(min=1), metavar="N", help="At most so many training steps."
)
@click.option("--no-golden", is_flag=True, help="No PyTorch: leave data/ to `make golden`.")
@click.option("--run", "and_run", is_flag=True, help="Build, run and compare at once.")
@click.option("--force", is_flag=True, help="Overwrite a project that this tool wrote.")
@json_option
@speech_options
def deploy(
    model: Path,
    out: Path | None,
    steps: int | None,
    no_golden: bool,
    and_run: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **planning: Any,
) -> None:
    """Write the C project of a network, with the golden values that it checks itself against.

    With --run --json, the document is that of `run`.

    \b
    Example:
      trainlib-deploy examples/digits/cnn.yaml --cores 8 --l1 64k -o digits --run
    """
    progress = Progress(quiet, verbose)
    project = Planning(**planning).project(model, progress, steps)
    folder = out or Path(project.spec.name)

    from trainlib_deployer.render.project import write_project

    progress.stage(f"writing {folder}" + ("" if no_golden else " and its golden values"))
    write_project(project, folder, golden=not no_golden, force=force)
    if not (and_run and as_json):
        from trainlib_deployer.report.deploy_report import deploy_document, deploy_text

        document = deploy_document(project, folder, golden=not no_golden)
        if as_json:
            echo_json(document)
        else:
            echo_result(deploy_text(document))
    if and_run:
        from trainlib_deployer.cli.run import run_and_report

        run_and_report(folder, progress, as_json=as_json)
