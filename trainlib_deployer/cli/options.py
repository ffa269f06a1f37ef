"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from trainlib_deployer.cli.output import Progress
    from trainlib_deployer.memory.fit import Remat, Shrinking
    from trainlib_deployer.memory.place import Effort
    from trainlib_deployer.project import Project

F = TypeVar("F", bound=Callable[..., Any])

LOWEST = "lowest"
FILE = click.Path(path_type=Path)


def size(value: str) -> int:
    """64k, 1.5M, 65536."""
    from trainlib_deployer.spec.sizes import SizeError, parse_size

    try:
        return parse_size(value, allow_zero=True)
    except SizeError as error:
        raise click.BadParameter(f"'{value}' is not {error}.") from error


def reserve(value: str) -> dict[str, int]:
    """l1=4k,l2=20k."""
    found = {}
    for item in value.split(","):
        level, _, amount = item.partition("=")
        if level.strip() not in ("l1", "l2", "l3"):
            raise click.BadParameter(f"'{item}' is not like l1=4k.")
        found[level.strip()] = size(amount)
    return found


def remat(value: str) -> Remat:
    """300k, 25%, or what stands for no value."""
    from trainlib_deployer.memory.fit import Remat

    if value == LOWEST:
        return Remat()
    if not value.endswith("%"):
        return Remat(peak_bytes=size(value))
    try:
        percent = float(value[:-1])
    except ValueError:
        percent = -1.0
    if not 0 < percent < 100:
        raise click.BadParameter(f"'{value}' is no part of the peak, such as 25%.")
    return Remat(saved_percent=percent)


@dataclass(frozen=True)
class Planning:
    """What the command line says about the device and about what the planner may do."""

    cores: int | None
    l1: int | None
    l2: int | None
    l3: int | None
    target: str | None
    reserve: tuple[dict[str, int], ...]
    without: tuple[str, ...]
    remat: Remat | None
    search_nodes: int | None
    time_limit: float | None

    def project(self, model: Path, progress: Progress, steps: int | None = None) -> Project:
        """Read the spec and plan everything."""
        progress.stage(f"planning {model}")
        from trainlib_deployer.pipeline import plan_project
        from trainlib_deployer.spec.model import DeviceOptions

        reserve = {level: size for item in self.reserve for level, size in item.items()}
        options = DeviceOptions(
            cores=self.cores,
            l1_bytes=self.l1,
            l2_bytes=self.l2,
            l3_bytes=self.l3,
            reserve=reserve or None,
        )
        searching = effort(self.search_nodes, self.time_limit)
        project = plan_project(
            model,
            options,
            target=self.target,
            steps=steps,
            effort=searching,
            shrinking=self._shrinking(),
        )
        if any(use.time_limit_hit for use in project.memory.levels.values()):
            from trainlib_deployer.report.plan_memory_report import TIME_LIMIT_WARNING

            progress.warn(TIME_LIMIT_WARNING)
        return project

    def _shrinking(self) -> Shrinking:
        from trainlib_deployer.memory.fit import PASS_NAMES, Shrinking
        from trainlib_deployer.spec.suggest import did_you_mean

        for name in self.without:
            if name not in PASS_NAMES:
                hint = did_you_mean(name, PASS_NAMES) or f"The passes: {', '.join(PASS_NAMES)}."
                raise click.UsageError(f"--without: there is no pass '{name}'. {hint}")
        return Shrinking(self.without, self.remat)


def effort(search_nodes: int | None, time_limit: float | None) -> Effort:
    """The planner's effort; its own defaults where nothing is said."""
    from trainlib_deployer.memory.place import Effort

    nodes = {} if search_nodes is None else {"search_nodes": search_nodes}
    return Effort(**nodes, time_limit_s=time_limit)


def _stacked(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


effort_options = _stacked(
    click.option(
        "--search-nodes", type=click.IntRange(min=0), metavar="N",
        help="How many nodes the memory planner may search.",
    ),
    click.option(
        "--time-limit", type=click.FloatRange(min=0), metavar="SECONDS",
        help="A guard on the planner's time; results may then depend on the machine.",
    ),
)  # fmt: skip

device_options = _stacked(
    click.option("--cores", type=int, metavar="N", help="Cores that work, 1 to 16."),
    click.option("--l1", type=size, metavar="SIZE", help="Size of L1, such as 64k."),
    click.option("--l2", type=size, metavar="SIZE", help="Size of L2; 0: none."),
    click.option("--l3", type=size, metavar="SIZE", help="Size of L3; 0: none."),
    click.option("--target", metavar="NAME", help="Where it runs; see the command targets."),
    click.option(
        "--reserve", type=reserve, multiple=True, metavar="LEVEL=SIZE",
        help="What the runtime takes of a level, such as l1=4k,l2=20k; overrides the target's.",
    ),
    click.option(
        "--remat", type=remat, is_flag=False, flag_value=LOWEST, metavar="[SIZE|PERCENT%]",
        help="Drop activations and make them again, until the peak is at most SIZE, or lower by"
        " PERCENT, or as low as it gets. Without it: only when nothing else fits.",
    ),
    click.option(
        "--without", multiple=True, metavar="PASS",
        help="Leave out a pass that saves memory; explain --stage memory lists them.",
    ),
    effort_options,
)  # fmt: skip

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")

speech_options = _stacked(
    click.option("-q", "--quiet", is_flag=True, help="No progress on stderr."),
    click.option("-v", "--verbose", is_flag=True, help="More on stderr; a traceback for a bug."),
)
