"""What differs in a run, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainlib_deployer.errors import Diagnostic
from trainlib_deployer.targets.log import MemoryViolation, RunLog, TensorCheck

_SHOWN = 8


def overflow(log: RunLog, golden: Mapping[str, Any], kept: Path) -> Diagnostic:
    """Why a training that is not finite stopped."""
    found, peer = log.not_finite, finite_steps(golden)
    assert found
    place = f"Step {found.at} (training step {found.step})"
    if peer is None:
        peer_text = "PyTorch's training stays finite"
    else:
        peer_text = f"PyTorch's is not finite from step {peer} on"
    return Diagnostic(
        f"the training stopped: {found.kind} {found.name} is not finite at {place}; {peer_text}."
        f" The parameters from before that step are in {kept}.",
        hint="Lower the lr, or scale the data and the initial parameters.",
    )


def finite_steps(golden: Mapping[str, Any]) -> int | None:
    """The training steps that PyTorch came through, where it is fewer than planned."""
    finite = len(golden["loss"])
    return finite if finite < golden["steps"] else None


def failures(log: RunLog, golden: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    """The first names the first Step that fails; none: everything agrees."""
    found = [_check(check) for check in log.checks if not _is_fine(check)]
    start = ", first at Step" if found else ":"
    rest = len(found) - _SHOWN
    if rest > 0:
        found = [*found[:_SHOWN], f"{rest} more tensors differ"]
    free_run, accuracy = log.free_run, log.accuracy
    if free_run and not free_run.ok:
        found.append(
            f"free run: the loss of step {free_run.step} differs by {free_run.difference:.3g},"
            f" tolerance {free_run.tolerance:.3g}"
        )
    found.extend(
        f"evaluation after step {item.step}: loss {item.loss:.6g}, PyTorch {item.golden_loss:.6g}"
        for item in log.evaluations
        if item.ok is False
    )
    found.extend(
        f"early stopping after step {item.step}: it {item.device}, PyTorch {item.golden}"
        for item in log.decisions
        if not item.ok
    )
    peer = finite_steps(golden)
    if log.not_finite:
        at = log.not_finite
        found.append(f"{at.kind} {at.name} is not finite at Step {at.at} (training step {at.step})")
    elif peer is not None:
        found.append(f"the training stays finite, PyTorch's is not from step {peer} on")
    if accuracy and accuracy.ok is False:
        found.append(
            f"accuracy: {accuracy.correct} of {accuracy.samples} correct, PyTorch {accuracy.golden}"
        )
    if found:
        found[0] = f"the numbers differ from the golden model's{start} {found[0]}"
    return tuple(Diagnostic(f"{text}.") for text in found)


def _is_fine(check: TensorCheck | MemoryViolation) -> bool:
    return isinstance(check, TensorCheck) and check.ok


def _check(check: TensorCheck | MemoryViolation) -> str:
    place = f"{check.at} (training step {check.step})"
    if isinstance(check, MemoryViolation):
        inside = f", in buffer {check.buffer}" if check.buffer else ""
        level, offset = check.level.upper(), check.offset
        return f"{place}: it changed {level} at offset {offset}{inside}, outside its outputs"
    text = (
        f"{place}: {check.kind} {check.name}: error {check.error:.3g},"
        f" tolerance {check.tolerance:.3g}"
    )
    if check.worst is None:
        return text
    worst = check.worst
    return f"{text}, worst at element {worst.index}: {worst.got:g}, expected {worst.expected:g}"
