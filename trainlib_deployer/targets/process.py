"""Run a program under a time limit: stream its lines, keep them in a file, leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

OnLine = Callable[[str], None]

MAX_OUTPUT_BYTES = 64 * 2**20  # a program in an endless loop must not fill the disk
_MAX_LINE_BYTES = 2**16


@dataclass(frozen=True)
class Finished:
    """How a program ended; negative `status`: killed by that signal."""

    status: int
    lines: tuple[str, ...]
    errors: tuple[str, ...]
    timed_out: bool
    flooded: bool


def run_logged(
    command: Sequence[str], folder: Path, log: Path, *, timeout_s: float, on_line: OnLine
) -> Finished:
    """Run `command` in `folder`; its output, then its error output, goes to the file `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as errors, log.open("wb") as kept:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # a group of its own, to be ended as a whole
        )
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            _end_group(process)

        timer = threading.Timer(timeout_s, expire)
        timer.daemon = True
        timer.start()
        lines: list[str] = []
        try:
            assert process.stdout
            for line in _lines(process.stdout):
                kept.write(line)
                lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
                on_line(lines[-1])
            flooded = kept.tell() >= MAX_OUTPUT_BYTES
            if flooded:
                _end_group(process)
            status = process.wait()
        finally:
            timer.cancel()
            _end_group(process)
            process.wait()
        errors.seek(0)
        text = errors.read(MAX_OUTPUT_BYTES)
        kept.write(text)
    error_lines = tuple(text.decode("utf-8", "replace").splitlines())
    return Finished(status, tuple(lines), error_lines, expired.is_set(), flooded)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Whole lines up to a length, and so many of them."""
    total = 0
    while total < MAX_OUTPUT_BYTES:
        line = stream.readline(_MAX_LINE_BYTES)
        if not line:
            return
        total += len(line)
        yield line


def _environment() -> dict[str, str]:
    """Messages in English; no flags of a make around us."""
    ours = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return {**ours, "LC_ALL": "C"}


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
