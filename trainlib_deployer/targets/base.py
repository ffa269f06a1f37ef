"""What a target is: a device's defaults, the tools it needs, what it can count."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trainlib_deployer.errors import Diagnostic, ToolMissingError
from trainlib_deployer.spec.device import DeviceSpec

CHECK_MODES = ("full", "fingerprint")


@dataclass(frozen=True)
class Tool:
    """A program that must be in PATH; `package` is what apt installs to bring it.

    `variable` names the environment variable by which a user chooses another program; `hint` says
    in place of the package what to do where apt cannot help.
    """

    program: str
    package: str
    variable: str | None = None
    hint: str | None = None

    @property
    def chosen(self) -> str:
        """The program that will be called: the user's choice, or the default."""
        words = shlex.split(os.environ.get(self.variable, "")) if self.variable else []
        return words[0] if words else self.program

    @property
    def path(self) -> str | None:
        """Where the program is; None when it is missing."""
        return shutil.which(self.chosen)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A place where generated projects run.

    `unit` is what its counter counts ("cycles", "instructions" or "ns"); `check_modes` are the
    ways in which it can be compared with the golden model, the default one first. `max_bytes` are
    the largest sizes of its levels where there are limits. Without `runs` it only compiles here.
    `macs_per_second` is a low estimate: longer runs get more time by default.
    """

    name: str
    description: str
    unit: str
    measures: str
    default_device: DeviceSpec
    max_cores: int
    max_bytes: Mapping[str, int] = field(default_factory=dict)
    runs: bool = True
    macs_per_second: float = 10e6
    tools: tuple[Tool, ...]
    check_modes: tuple[str, ...] = CHECK_MODES
    make_variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing_tools(self) -> tuple[Tool, ...]:
        return tuple(tool for tool in self.tools if tool.path is None)

    @property
    def install_line(self) -> str | None:
        """What brings what is missing: a command, and words where none does; None: nothing is."""
        packages = dict.fromkeys(tool.package for tool in self.missing_tools if not tool.hint)
        apt = [f"sudo apt install {' '.join(packages)}"] if packages else []
        hints = dict.fromkeys(tool.hint for tool in self.missing_tools if tool.hint)
        return "; ".join([*apt, *hints]) or None

    def program(self, folder: Path, network: str) -> Path:
        """The built program in a project's folder."""
        return folder / "build" / self.name / network

    def header(self, folder: Path) -> Path:
        """What the target's C code says of itself."""
        return folder / "target" / self.name / "tl_target.h"

    def require_tools(self) -> None:
        """Raise ToolMissingError, with the line that helps, when a tool is missing."""
        missing = self.missing_tools
        if missing:
            names = ", ".join(tool.chosen for tool in missing)
            raise ToolMissingError(
                Diagnostic(
                    f"target {self.name} needs {names}, not found in PATH.",
                    hint=f"Try: {self.install_line}",
                )
            )
