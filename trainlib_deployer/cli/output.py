"""stdout carries the result and nothing else; progress goes to stderr."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from trainlib_deployer.errors import SpecError

_TRANSIENT_WIDTH = 79


def echo_result(text: str) -> None:
    """Write the result; SpecError when it cannot be written."""
    try:
        click.echo(text)
    except BrokenPipeError:
        # whoever read has enough: nothing more is written, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(128 + 13) from None
    except OSError as error:
        raise SpecError(f"cannot write the result: {error.strerror}.") from error


def echo_json(document: dict[str, Any]) -> None:
    echo_result(json.dumps(document, indent=1, allow_nan=False))


class Progress:
    """Says on stderr what goes on: on a terminal, or everything with -v; nothing with -q."""

    def __init__(self, quiet: bool, verbose: bool) -> None:
        is_terminal = sys.stderr.isatty()
        self._verbose = verbose
        self._speaks = not quiet and (is_terminal or verbose)
        self._rewrites = not quiet and is_terminal and not verbose
        self._is_open = False

    def stage(self, text: str) -> None:
        """One line for what begins now."""
        self.close()
        if self._speaks:
            click.echo(f"{text} ...", err=True)

    def warn(self, text: str) -> None:
        """What the user must know, also with -q."""
        self.close()
        click.echo(f"warning: {text}", err=True)

    def line(self, text: str) -> None:
        """A line of a program's output: the newest one is shown, all with -v."""
        if self._rewrites:
            shown = "".join(c if c.isprintable() else "?" for c in text[:_TRANSIENT_WIDTH])
            click.echo(f"\r{shown:<{_TRANSIENT_WIDTH}}", nl=False, err=True)
            self._is_open = True
        elif self._speaks and self._verbose:
            click.echo(text, err=True)

    def close(self) -> None:
        """Clear the line that is rewritten."""
        if self._is_open:
            click.echo("\r" + " " * _TRANSIENT_WIDTH + "\r", nl=False, err=True)
            self._is_open = False
