"""Operands of a Step that share memory, and so a slot of its tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trainlib_deployer.ir.step import Step


@dataclass(frozen=True)
class Group:
    """Operands that share memory, and so a slot."""

    operands: tuple[int, ...]
    bytes: int
    reads: bool
    writes: bool


def groups_of(step: Step, direct: frozenset[int]) -> Iterator[Group | None]:
    """Operands by the memory that they share; None where it is not the same slice for all."""
    by_root: dict[str, list[int]] = {}
    for index, operand in enumerate(step.operands):
        if operand.tensor and index not in direct:
            by_root.setdefault(operand.tensor.root.name, []).append(index)
    pairs = {frozenset(pair) for pair in step.in_place}
    for members in by_root.values():
        operands = [step.operands[index] for index in members]
        reads = any(operand.access.reads for operand in operands)
        writes = any(operand.access.writes for operand in operands)
        same = {(o.tensor.root_offset_bytes, o.shape, o.axes) for o in operands if o.tensor}
        written = [k for k, o in zip(members, operands, strict=True) if o.access.writes]
        allowed = all(
            frozenset((out, other)) in pairs for out in written for other in members if out != other
        )
        if len(same) > 1 or (len(members) > 1 and writes and not allowed):
            yield None
        # different slices: the whole serves all
        tensor = (
            operands[0].tensor if len(same) == 1 else operands[0].tensor and operands[0].tensor.root
        )
        assert tensor
        yield Group(tuple(members), tensor.bytes, reads, writes)
