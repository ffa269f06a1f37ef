"""What the verification program compares and guards, and what is never materialised."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from trainlib_deployer.ir.graph import Schedule
from trainlib_deployer.ir.step import Phase, Step
from trainlib_deployer.ir.tensor import Kind, Tensor, whole_name
from trainlib_deployer.lowering.program import Program, Span
from trainlib_deployer.memory.plan import Allocation
from trainlib_deployer.project import Project

_FOLDED = "the norm behind it is folded into the weights before it"
CLIPPED_GRAD = "clipped_grad"  # of a weight gradient that was compared before it was clipped


@dataclass(frozen=True)
class Check:
    """One tensor, or a slice of one, to compare right after Step `step`; named as in the log.

    `probed`: a gradient that the Step never makes but when asked for it, in `tensor`'s place.
    """

    step: int
    kind: str
    name: str
    tensor: Tensor
    tolerance: float
    probed: bool = False

    @property
    def whole(self) -> str:
        """The name of the tensor that this is a slice of, or a second making, or its own."""
        return whole_name(self.name)

    @property
    def per_sample(self) -> int:
        """The elements of one sample; 0 for what has no batch axis."""
        return self.tensor.count // self.tensor.shape[0] if self.tensor.has_batch_axis else 0

    @property
    def first_sample(self) -> int:
        """Of the mini-batch, for a slice of some samples."""
        return (self.first or 0) // self.per_sample if self.per_sample else 0

    @property
    def first(self) -> int | None:
        """The first element of the slice; None for a whole tensor."""
        _, _, rows = self.name.partition("[")
        if not rows or self.tensor.view_of:
            return self.tensor.view_offset if rows else None
        return int(rows.partition(":")[0]) * math.prod(self.tensor.shape[1:])


def checks(schedule: Schedule, tolerances: Mapping[tuple[str, str], float]) -> tuple[Check, ...]:
    """Every tensor after the Step that completes it: the last that adds to it."""
    complete = {
        (tensor.name, _kind(step, tensor)): index
        for index, step in enumerate(schedule.steps)
        for tensor in step.writes
    }
    found = []
    for index, step in enumerate(schedule.steps):
        for gradient, weight in zip(step.gradients, step.writes, strict=False):
            tolerance = tolerances[step.name, gradient.name]
            kind = Kind.WEIGHT_GRAD.value
            found.append(Check(index, kind, gradient.subject, weight, tolerance, probed=True))
        for tensor in step.writes:
            kind = _kind(step, tensor)
            if complete[tensor.name, kind] == index and tensor.kind is not Kind.SCRATCH:
                tolerance = tolerances[step.name, tensor.name]
                found.append(Check(index, kind, tensor.subject, tensor, tolerance))
    return tuple(found)


def _kind(step: Step, tensor: Tensor) -> str:
    """The kind of what a Step leaves in a tensor."""
    if step.phase is Phase.UPDATE and tensor.kind is Kind.WEIGHT_GRAD:
        return CLIPPED_GRAD
    return Kind.ACTIVATION.value if tensor.kind is Kind.LOSS else tensor.kind.value


def absent(project: Project, checked: tuple[Check, ...]) -> list[dict[str, str]]:
    """Tensors that are never materialised, each with the reason."""
    network, made = project.network, {node.output.name: node.output for node in project.graph.nodes}
    reasons = dict(project.schedule.absent)
    seen = {(check.whole, check.kind) for check in checked}

    def note(name: str, kind: Kind, reason: str) -> None:
        if (name, kind.value) not in seen:
            reasons.setdefault((name, kind.value), reason)

    for node in network.nodes:
        output = made.get(node.name)
        shared = f"shares the memory of {output.root.name}" if output else _FOLDED
        note(node.name, Kind.ACTIVATION, shared)
    if network.training is None:
        return _entries(reasons)
    for tensor in (network.input, *(node.output for node in network.nodes)):
        is_made = tensor is network.input or tensor.name in made
        passed = "is the gradient of the layer behind it, in the same memory"
        note(tensor.name, Kind.INPUT_GRAD, passed if is_made else _FOLDED)
    for parameter in network.parameters:
        for kind in (Kind.WEIGHT, Kind.WEIGHT_GRAD):
            note(parameter.name, kind, "the layer is frozen")
    return _entries(reasons)


def _entries(reasons: Mapping[tuple[str, str], str]) -> list[dict[str, str]]:
    return [{"name": n, "kind": k, "reason": reason} for (n, k), reason in reasons.items()]


@dataclass(frozen=True)
class GuardSpan:
    """Bytes that a Step may touch; flags as C wants them."""

    step: int
    level: str
    offset: int
    bytes: int
    written: int
    must_write: int


def guard_spans(program: Program) -> tuple[GuardSpan, ...]:
    """What each Step declares: operands, and both ends of its transfers."""
    found: list[GuardSpan] = []
    for index, code in enumerate(program.code):
        spans: dict[Span, tuple[bool, bool]] = {}

        def add(place: Allocation, reads: bool, writes: bool, into: dict = spans) -> None:  # type: ignore[type-arg]
            old_reads, old_writes = into.get(Span.of(place), (False, False))
            into[Span.of(place)] = (old_reads or reads, old_writes or writes)

        filled: list[Allocation] = []
        for fetch in (*(far.transfer for far in code.coming), *code.fetched):
            if fetch.source not in filled:
                add(fetch.source, True, False)
            # filled before anyone reads it, and stale until then
            filled.append(fetch.destination)
            add(fetch.destination, False, True)
        for slot in code.tiles.slots if code.tiles else ():
            filled.append(slot.near)
            add(slot.near, False, True)
            if slot.slot.reads:
                add(slot.far, True, False)
            if slot.slot.writes:
                add(slot.far, False, True)
        for operand, place in zip(code.step.operands, code.call.operands, strict=True):
            if place is not None and place not in filled:
                add(place, operand.access.reads, operand.access.writes)
        for store in (*code.stored, *(far.transfer for far in code.leaving)):
            add(store.source, False, True)
            # a stored tensor that was fetched too holds its old value until then
            add(store.destination, False, True)
        found.extend(
            GuardSpan(
                index, span.level, span.first, span.last - span.first, int(writes),
                int(writes and not reads),
            )
            for span, (reads, writes) in spans.items()
        )  # fmt: skip
    return tuple(found)
