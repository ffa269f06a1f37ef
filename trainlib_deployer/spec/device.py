"""The device: a target's defaults, overridden by the spec and by the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from trainlib_deployer.errors import Diagnostic, Diagnostics, SpecError
from trainlib_deployer.spec.model import LEVELS, MAX_CORES, DeviceOptions, ModelSpec
from trainlib_deployer.spec.sizes import format_bytes
from trainlib_deployer.spec.suggest import did_you_mean

DEFAULT_TARGET = "host"


@dataclass(frozen=True, kw_only=True)
class DeviceSpec:
    """A device. Sizes are physical, 0 where there is no such level."""

    target: str
    cores: int
    l1_bytes: int
    l2_bytes: int
    l3_bytes: int = 0
    reserved_bytes: Mapping[str, int] = field(default_factory=dict)

    def capacity(self, level: str) -> int:
        """The physical size of "l1", "l2" or "l3" in bytes."""
        return {"l1": self.l1_bytes, "l2": self.l2_bytes, "l3": self.l3_bytes}[level]

    def reserved(self, level: str) -> int:
        """What the target's runtime takes of a level, in bytes."""
        return self.reserved_bytes.get(level, 0)

    def available(self, level: str) -> int:
        """What is left for tensors, in bytes."""
        return max(0, self.capacity(level) - self.reserved(level))

    def as_json(self) -> dict[str, Any]:
        """The device for plan.json, manifest.json and --json."""
        return {
            "target": self.target,
            "cores": self.cores,
            **{f"{level}_bytes": self.capacity(level) for level in LEVELS},
            "reserved_bytes": {level: self.reserved(level) for level in LEVELS},
        }


class HasDevice(Protocol):
    """What is asked of a target here."""

    @property
    def default_device(self) -> DeviceSpec:
        """The device when nobody says anything."""

    @property
    def max_cores(self) -> int:
        """The most cores that it can have."""

    @property
    def max_bytes(self) -> Mapping[str, int]:
        """The largest sizes of its levels, where there are limits."""


def resolve_device(
    spec: ModelSpec, options: DeviceOptions, target: str | None, targets: Mapping[str, HasDevice]
) -> DeviceSpec:
    """The device of a spec: the target's defaults, then the spec's, then the command line's.

    Raises SpecError for an unknown target and for a device that cannot be.
    """
    name = target or DEFAULT_TARGET
    if name not in targets:
        hint = did_you_mean(name, targets) or f"Known targets: {', '.join(targets)}."
        raise SpecError(Diagnostic(f"unknown target '{name}'.", hint=hint))
    device = merge_device(targets[name].default_device, spec.device, options)
    _check_limits(device, targets[name])
    return device


def merge_device(defaults: DeviceSpec, *options: DeviceOptions) -> DeviceSpec:
    """`defaults` overridden by `options`, the later the stronger; SpecError where impossible."""
    device = defaults
    for item in options:
        given = {
            "cores": item.cores,
            "l1_bytes": item.l1_bytes,
            "l2_bytes": item.l2_bytes,
            "l3_bytes": item.l3_bytes,
        }
        changed: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        if item.reserve is not None:
            changed["reserved_bytes"] = {**device.reserved_bytes, **item.reserve}
        device = replace(device, **changed)
    diagnostics = Diagnostics()
    _check(device, diagnostics)
    diagnostics.raise_if_any()
    return device


def _check(device: DeviceSpec, diagnostics: Diagnostics) -> None:
    if not 1 <= device.cores <= MAX_CORES:
        diagnostics.add(f"device: cores takes 1 to {MAX_CORES}, not {device.cores}")
    if device.l1_bytes < 1:
        diagnostics.add("device: l1 is empty.", hint="Every device needs an L1, such as --l1 64k.")
    for level in device.reserved_bytes:
        if level not in LEVELS:
            hint = did_you_mean(level, LEVELS) or f"The levels are {', '.join(LEVELS)}."
            diagnostics.add(f"device: reserve names the unknown level '{level}'.", hint=hint)
        elif device.reserved(level) > device.capacity(level):
            diagnostics.add(
                f"device: {format_bytes(device.reserved(level))} of {level} are reserved, but it"
                f" has {format_bytes(device.capacity(level))}.",
                hint=f"Lower --reserve or raise --{level}.",
            )


def _check_limits(device: DeviceSpec, target: HasDevice) -> None:
    diagnostics = Diagnostics()
    if device.cores > target.max_cores:
        most = "one core" if target.max_cores == 1 else f"{target.max_cores} cores at most"
        diagnostics.add(
            f"device: {device.target} has {most}, not {device.cores}.",
            hint=f"Try --cores {target.max_cores}.",
        )
    for level, limit in target.max_bytes.items():
        given = device.capacity(level)
        if given > limit:
            most = f"at most {format_bytes(limit)} of" if limit else "no"
            diagnostics.add(
                f"device: {device.target} has {most} {level}, not {format_bytes(given)}.",
                hint=f"Lower --{level}.",
            )
    diagnostics.raise_if_any()
