"""`trainlib-deploy run`: build a project, run it, compare it with the golden model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainlib_deployer.cli.options import FILE, json_option, speech_options
from trainlib_deployer.cli.output import Progress, echo_json, echo_result
from trainlib_deployer.errors import Diagnostic, MismatchError, RunFailedError, SpecError

if TYPE_CHECKING:
    from trainlib_deployer.targets.base import Target

_TIMEOUT_S = 600.0


@click.command(short_help="Build, run, and compare with PyTorch.")
@click.argument("folder", type=FILE, metavar="DIR")
@click.option("--weights", type=FILE, metavar="OUT.npz", help="Save the trained parameters.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help=f"For the build, and again for the run; {_TIMEOUT_S:g}, or more for long trainings.",
)  # fmt: skip
@click.option(
    "--check", type=click.Choice(["full", "fingerprint"]),
    help="Compare every element, or norms and projections; the target's default.",
)  # fmt: skip
@json_option
@speech_options
def run(
    folder: Path,
    weights: Path | None,
    timeout: float | None,
    check: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Build and run a project on its target, and compare every tensor with PyTorch's.

    Golden values are made first when data/ is empty; this needs torch. The exit code is 6 when
    numbers differ.

    \b
    Example:
      trainlib-deploy run digits_cnn --weights trained.npz
    """
    progress = Progress(quiet, verbose)
    run_and_report(
        folder, progress, as_json=as_json, check=check, timeout_s=timeout, weights=weights
    )


def run_and_report(
    folder: Path,
    progress: Progress,
    *,
    as_json: bool,
    check: str | None = None,
    timeout_s: float | None = None,
    weights: Path | None = None,
) -> None:
    """Raises MismatchError, after the report, when numbers differ, and RunFailedError, without one,
    when the training had to stop."""
    from trainlib_deployer.report.run_failures import overflow
    from trainlib_deployer.report.run_report import run_report
    from trainlib_deployer.report.run_text import run_text
    from trainlib_deployer.targets.run import build_and_run

    target = _target(folder)
    target.require_tools()
    plan = _read(folder / "plan.json")
    _make_golden(folder, progress)
    golden = _read(folder / "data" / "golden.json")
    progress.stage(f"building and running {folder} on {target.name}")
    try:
        log = build_and_run(
            target,
            folder,
            plan,
            timeout_s=timeout_s or _default_timeout_s(target, plan),
            check=check or target.check_modes[0],
            on_line=progress.line,
        )
    except (KeyError, TypeError) as error:
        raise _damaged(folder / "plan.json") from error
    finally:
        progress.close()
    if weights:
        from trainlib_deployer.report.weights import save_weights

        save_weights(folder, plan, weights)
    try:
        if log.result == "not_finite":
            raise RunFailedError(overflow(log, golden, weights or folder / "data" / "trained.bin"))
        report = run_report(log, plan, golden)
    except (KeyError, TypeError) as error:
        raise _damaged(folder / "plan.json or data/golden.json") from error
    if as_json:
        echo_json(report.document)
    else:
        echo_result(run_text(report))
    if report.failures and as_json:
        click.get_current_context().exit(MismatchError.exit_code)  # the document has said it all
    if report.failures:
        raise MismatchError(report.failures[0])


def _target(folder: Path) -> Target:
    """The target that the project was made for; SpecError when the folder is not ours."""
    from trainlib_deployer.render.swap import MANIFEST, is_ours
    from trainlib_deployer.targets import TARGETS

    if not folder.is_dir():
        raise SpecError(f"there is no folder {folder}.")
    if not is_ours(folder):
        raise SpecError(f"{folder} is not a project of this tool: it has no {MANIFEST} of ours.")
    name = _read(folder / MANIFEST).get("target")
    if not isinstance(name, str) or name not in TARGETS:
        raise SpecError(f"{folder} is for the target '{name}', which this version does not know.")
    target = TARGETS[name]
    if not target.runs:
        raise SpecError(
            Diagnostic(
                f"{folder} is for the target '{name}': it cannot be run here.",
                hint=f"See {folder}/target/{name}/README.md, or deploy it with --target host.",
            )
        )
    return target


def _default_timeout_s(target: Target, plan: Mapping[str, Any]) -> float:
    """Long enough for the whole training at the target's slowest, and ten minutes at least."""
    macs = int(plan.get("macs", 0)) * int(plan.get("training_steps", 0))
    return max(_TIMEOUT_S, 2 * macs / target.macs_per_second)


def _make_golden(folder: Path, progress: Progress) -> None:
    if (folder / "data" / "golden.bin").exists():
        return
    from trainlib_deployer.render.project import make_golden

    progress.stage("making the golden values with PyTorch")
    make_golden(folder)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if not isinstance(document, dict):
        raise _damaged(path)
    return document


def _damaged(path: Path) -> RunFailedError:
    return RunFailedError(f"{path} is missing or damaged: deploy the project again with --force.")
