"""What can go wrong, where, and with which exit code (design A2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Location:
    """A place in a text file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """One finding: where it is, what it is, and what to do about it."""

    message: str
    where: Location | None = None
    hint: str | None = None

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" {self.hint}" if self.hint else ""
        return f"{place}{self.message}{advice}"


class DeployError(Exception):
    """An error a user can act on; `exit_code` is the process's."""

    exit_code = 1

    def __init__(self, diagnostics: Diagnostic | str | Iterable[Diagnostic]) -> None:
        if isinstance(diagnostics, str):
            diagnostics = Diagnostic(diagnostics)
        if isinstance(diagnostics, Diagnostic):
            diagnostics = (diagnostics,)
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(str(item) for item in self.diagnostics))


class SpecError(DeployError):
    """The spec, its data or the command line is wrong."""

    exit_code = 2


class DoesNotFitError(DeployError):
    """One training step needs more memory than the device has."""

    exit_code = 3


class ToolMissingError(DeployError):
    """A program that the target needs is not installed."""

    exit_code = 4


class RunFailedError(DeployError):
    """The generated project did not build, crashed, hung or printed nonsense."""

    exit_code = 5


class MismatchError(DeployError):
    """The device's numbers differ from the golden model's."""

    exit_code = 6


@dataclass
class Diagnostics:
    """Collects every error of one run, so that a user sees them all at once."""

    items: list[Diagnostic] = field(default_factory=list)

    def add(self, message: str, where: Location | None = None, hint: str | None = None) -> None:
        self.items.append(Diagnostic(message, where, hint))

    def raise_if_any(self) -> None:
        """Raise SpecError with everything collected, in file order, if there is anything."""
        if self.items:

            def position(item: Diagnostic) -> tuple[int, int]:
                return (item.where.line, item.where.column) if item.where else (0, 0)

            raise SpecError(sorted(self.items, key=position))


class PlanError(Exception):
    """The plan is wrong: a bug of ours, not of the user."""
