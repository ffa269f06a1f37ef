"""`trainlib-deploy targets`: what can run here, and what to install."""

from __future__ import annotations

import click

from trainlib_deployer.cli.options import json_option, speech_options
from trainlib_deployer.cli.output import echo_json, echo_result


@click.command(short_help="What can run here, and what to install.")
@json_option
@speech_options
def targets(as_json: bool, quiet: bool, verbose: bool) -> None:
    """List the targets: what each measures, whether its tools are here, what to install.

    \b
    Example:
      trainlib-deploy targets --json
    """
    from trainlib_deployer.report.targets_report import targets_document, targets_text
    from trainlib_deployer.targets import TARGETS

    document = targets_document(TARGETS.values())
    if as_json:
        echo_json(document)
    else:
        echo_result(targets_text(document))
