"""`trainlib-deploy schema`: JSON Schemas, for editors and for consumers of --json."""

from __future__ import annotations

import click

from trainlib_deployer.cli.options import json_option, speech_options
from trainlib_deployer.cli.output import echo_json

_DOCUMENTS = ("model", "deploy", "check", "explain", "run", "targets", "plan-memory")


@click.command(short_help="JSON Schemas, of specs and of --json.")
@click.option(
    "--of", "document", type=click.Choice(_DOCUMENTS), default="model", show_default=True,
    help="model: MODEL.yaml; otherwise what the command prints with --json.",
)  # fmt: skip
@json_option
@speech_options
def schema(document: str, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Print the JSON Schema of the model spec, or of a command's --json document.

    \b
    Example:
      trainlib-deploy schema > model.schema.json
    """
    if document == "model":
        from trainlib_deployer.spec.schema import model_schema

        echo_json(model_schema())
        return
    from trainlib_deployer.report.documents import document_schema

    echo_json(document_schema(document))
