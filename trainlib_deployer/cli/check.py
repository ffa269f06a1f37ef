"""`trainlib-deploy check`: does it fit, and why not."""

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


@click.command(short_help="Does it fit the device, and why not?")
@click.argument("model", type=FILE, metavar="MODEL.yaml")
@device_options
@json_option
@speech_options
def check(model: Path, as_json: bool, quiet: bool, verbose: bool, **planning: Any) -> None:
    """Say whether a training step fits the device, and why; write nothing.

    The exit code is 0 when it fits and 3 when it does not.

    \b
    Example:
      trainlib-deploy check examples/digits/cnn.yaml --l1 32k --l2 256k
    """
    project = Planning(**planning).project(model, Progress(quiet, verbose))

    from trainlib_deployer.report.deploy_report import check_document, check_text

    document = check_document(project)
    if as_json:
        echo_json(document)
    else:
        echo_result(check_text(document))
