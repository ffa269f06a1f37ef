"""Build a generated project, run it, and say in one message what went wrong where it did."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainlib_deployer.errors import Diagnostic, RunFailedError
from trainlib_deployer.targets.base import Target
from trainlib_deployer.targets.fit import check_fit
from trainlib_deployer.targets.log import LogError, RunLog, parse_log
from trainlib_deployer.targets.process import MAX_OUTPUT_BYTES, Finished, OnLine, run_logged

# exit statuses of a program that came to its end, by the result that it prints
_ENDS = {"ok": 0, "mismatch": 1, "not_finite": 4}
DATA_UNUSABLE = 2

# how make tells the end of the program that it ran
_MAKE_SAYS = re.compile(
    r"^make(?:\[\d+\])?: \*\*\* \[.*\] (?:Error (?P<status>\d+)|(?P<signal>.+))$"
)
_COMPILER_ERROR = re.compile(
    r"(?<!collect2: )error|undefined reference|multiple definition|/ld: .*"
)
_TRAP = "trap: "  # how a port begins its report of a crash
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SHOWN_LINES = 6
_SHOWN_CHARACTERS = 160
_SHELL_SIGNAL = 128


@dataclass(frozen=True)
class _Ending:
    """How the program under make ended: its status, or the signal's name."""

    status: int
    signal: str | None = None


def build_and_run(
    target: Target,
    folder: Path,
    plan: Mapping[str, Any],
    *,
    timeout_s: float,
    check: str,
    on_line: OnLine,
) -> RunLog:
    """The log of a run that came to its end, whether its numbers agree or not.

    Raises ToolMissingError and RunFailedError.
    """
    target.require_tools()
    variables = [f"TARGET={target.name}", f"CHECK={check}"]
    variables += [f"{name}={value}" for name, value in target.make_variables.items()]
    logs = folder / "build" / target.name
    jobs = min(os.cpu_count() or 1, 8)
    try:
        command = ["make", "-s", f"-j{jobs}", *variables, "all"]
        build = run_logged(
            command, folder, logs / "build.log", timeout_s=timeout_s, on_line=on_line
        )
        _require_build(build, logs / "build.log", timeout_s)
        check_fit(target.program(folder, plan["network"]), target.header(folder), plan)
        run = run_logged(
            ["make", "-s", *variables, "run"], folder, logs / "run.log",
            timeout_s=timeout_s, on_line=on_line,
        )  # fmt: skip
    except OSError as error:
        raise RunFailedError(f"cannot build in {folder}: {error.strerror or error}.") from error
    return _judge(run, logs / "run.log", timeout_s)


def _require_build(build: Finished, log: Path, timeout_s: float) -> None:
    if build.timed_out:
        raise _failed(f"the build did not end within {timeout_s:g} s.", log, "Raise --timeout.")
    if build.status == 0:
        return
    output = [line for line in (*build.lines, *build.errors) if not line.startswith("make: ")]
    errors = [line for line in output if _COMPILER_ERROR.search(line)] or output
    shown = "".join(f"\n  {line}" for line in errors[:_SHOWN_LINES])
    raise RunFailedError(f"the build failed (the whole output: {log}):{shown or ' no message'}")


def _judge(run: Finished, log: Path, timeout_s: float) -> RunLog:
    """The run's log when it is whole; otherwise the reason why it is not."""
    if run.timed_out:
        raise _failed(
            f"the program did not end within {timeout_s:g} s{_last_line(run)}.",
            log,
            "Raise --timeout, or deploy with fewer --steps.",
        )
    if run.flooded:
        raise _failed(f"the program printed more than {MAX_OUTPUT_BYTES >> 20} MiB.", log)
    ending = _ending(run)
    if ending.signal:
        raise _failed(f"the program crashed ({ending.signal}){_last_line(run)}.", log)
    if ending.status not in _ENDS.values():
        raise _failed(_why_broken(run, ending.status), log)
    try:
        found = parse_log(run.lines)
    except LogError as error:
        raise _failed(f"{error}.", log) from error
    if found.result is None:
        raise _failed(f"the output ends early, without a result{_last_line(run)}.", log)
    if _ENDS[found.result] != ending.status:
        raise _failed(
            f"the program says '{found.result}' but ended with status {ending.status}.", log
        )
    return found


def _ending(run: Finished) -> _Ending:
    """The program's own end: make itself returns 2 whatever went wrong below it."""
    if run.status == 0:
        return _Ending(0)
    if run.status < 0:
        return _Ending(run.status, f"signal {-run.status}")
    said = [match for line in run.errors if (match := _MAKE_SAYS.match(line))]
    if not said:
        return _Ending(run.status)
    if said[0]["signal"]:
        return _Ending(run.status, said[0]["signal"])
    status = int(said[0]["status"])
    if status > _SHELL_SIGNAL:
        return _Ending(status, f"signal {status - _SHELL_SIGNAL}")
    return _Ending(status)


def _why_broken(run: Finished, status: int) -> str:
    if status == DATA_UNUSABLE:
        # printed by the program, or by the Makefile in its place
        said = [line for line in (*run.lines, *run.errors) if line.startswith("data")]
        if said:
            return f"{said[-1]}."
    traps = [line for line in run.lines if line.startswith(_TRAP)]
    if traps:
        return f"the program crashed: {traps[0].removeprefix(_TRAP)[:200]}."
    own = [line for line in run.errors if not line.startswith("make")]
    detail = f": {own[-1][:200]}" if own else ""
    return f"the program broke off with exit status {status}{detail}{_last_line(run)}."


def _last_line(run: Finished) -> str:
    """Where the program was: its output names steps; a simulator's has colours."""
    if not run.lines:
        return ", before it printed anything"
    line = " ".join(_COLOUR.sub("", run.lines[-1]).split())
    return f" after '{line[:_SHOWN_CHARACTERS]}'"


def _failed(message: str, log: Path, hint: str = "") -> RunFailedError:
    return RunFailedError(Diagnostic(message, hint=f"{hint} The whole output: {log}".lstrip()))
