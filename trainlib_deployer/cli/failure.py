"""An exception → a message, the document that --json promises, and the exit code (design A2)."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

import click

from trainlib_deployer.errors import DeployError, Diagnostic, SpecError

BUG = 1
INTERRUPTED = 128 + 2
BROKEN_PIPE = 128 + 13


def fail(error: Exception, words: Sequence[str]) -> int:
    """Tell what went wrong; the exit code."""
    code, diagnostics = _explained(error)
    if "--json" in words:
        from trainlib_deployer.cli.output import echo_json
        from trainlib_deployer.report.schema import error_document

        echo_json(error_document(code, diagnostics))
    else:
        if isinstance(error, click.UsageError) and error.ctx:
            click.echo(error.ctx.get_usage(), err=True)
        for item in diagnostics:
            click.echo(_line(item), err=True)
    if code == BUG and not {"-v", "--verbose"}.isdisjoint(words):
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    return code


def _explained(error: Exception) -> tuple[int, Sequence[Diagnostic]]:
    if isinstance(error, DeployError):
        return error.exit_code, error.diagnostics
    if isinstance(error, click.ClickException):
        hint = None
        if isinstance(error, click.UsageError) and error.ctx:
            hint = f"See {error.ctx.command_path} --help."
        return SpecError.exit_code, (Diagnostic(error.format_message(), hint=hint),)
    what = f"{type(error).__name__}: {error}".strip().rstrip(":.")
    return BUG, (
        Diagnostic(
            f"internal error: {what}.",
            hint="This is a bug of the tool: please report it, with the spec and the output of -v.",
        ),
    )


def _line(item: Diagnostic) -> str:
    """A place stands first, as in a compiler's messages."""
    return str(item) if item.where else f"error: {item}"
