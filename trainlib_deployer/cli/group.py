"""The command group: a bare MODEL.yaml deploys; every failure reaches the exit code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from trainlib_deployer.cli.failure import BROKEN_PIPE, INTERRUPTED, fail

_TERMINATED = 128 + signal.SIGTERM


class DeployGroup(click.Group):
    """`bare` is the command that is meant when no command is named."""

    def __init__(self, *args: Any, bare: click.Command, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bare = bare
        self.subcommand_metavar = "MODEL.yaml [OPTIONS] | COMMAND ..."
        self.options_metavar = ""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.bare if cmd_name == self.bare.name else super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, self.bare.name) and not _is_own(self, args):
            self._refuse_typo(ctx, args[0])
            args = [str(self.bare.name), *args]
        return super().parse_args(ctx, args)

    def _refuse_typo(self, ctx: click.Context, word: str) -> None:
        """A word near a command's name that is no file means the command."""
        if word.startswith("-") or Path(word).suffix or Path(word).exists():
            return
        from trainlib_deployer.spec.suggest import did_you_mean

        hint = did_you_mean(word.replace("_", "-"), self.commands)
        if hint:
            raise click.UsageError(f"no command and no file '{word}'. {hint}", ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of the bare command, then the commands."""
        with click.Context(self.bare, parent=ctx) as bare:
            self.bare.format_options(bare, formatter)
        own = [p.get_help_record(ctx) for p in self.params if "--version" in p.opts]
        with formatter.section("Other"):
            formatter.write_dl([record for record in own if record])
        self.format_commands(ctx, formatter)

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """As click's, but what fails is told in one place, as text or as JSON."""
        words = list(sys.argv[1:] if args is None else args)
        try:
            with _termination_unwinds():
                status = super().main(words, prog_name, standalone_mode=False, **extra)
        except (click.Abort, KeyboardInterrupt):
            status = INTERRUPTED
        except BrokenPipeError:
            status = BROKEN_PIPE
        except Exception as error:
            status = fail(error, words)
        if standalone_mode:
            sys.exit(status)
        return status


def _is_own(group: click.Group, args: list[str]) -> bool:
    """Whether the first word is an option of the group itself."""
    return args[0] in {name for parameter in group.params for name in parameter.opts} | {"--help"}


@contextmanager
def _termination_unwinds() -> Iterator[None]:
    """SIGTERM ends us as an exception does, so that folders and processes are cleaned up."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(_TERMINATED)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
