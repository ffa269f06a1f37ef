"""Which level each tensor lives in: what is moved most per byte and time goes nearest.

A tensor whose home is not L1 comes into L1 for each Step that touches it, whole or in tiles, and
from L3 through L2. Living nearer saves these transfers and takes memory in the Steps between.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.passes.liveness import Life, aligned_bytes

# the program outside the team reads and writes these, so they must be where a core can reach
_IN_REACH = (Kind.INPUT, Kind.TARGET, Kind.LOSS, Kind.RATE, Kind.COUNTER)
_TRANSFER_BYTES = 512  # so many could be moved in the time that starting a transfer takes


@dataclass(frozen=True)
class Use:
    """What a Step touches of a tensor that owns memory: `tensor`, itself or one slice of it.

    `read` and `written` are the names under which it does so: the same memory, or None.
    """

    tensor: Tensor
    read: Tensor | None
    written: Tensor | None

    @property
    def root(self) -> str:
        return self.tensor.root.name

    @property
    def moved_bytes(self) -> int:
        """Between a home and a copy for this Step, with what starting to move them costs."""
        ways = (self.read is not None) + (self.written is not None)
        return (self.tensor.bytes + _TRANSFER_BYTES) * ways


def uses_of(steps: Sequence[Step]) -> tuple[Mapping[str, Use], ...]:
    """For each Step, by the root's name."""
    return tuple(
        {name: _use(step, name) for name in dict.fromkeys(t.root.name for t in step.tensors)}
        for step in steps
    )


def _use(step: Step, name: str) -> Use:
    reads = [tensor for tensor in step.reads if tensor.root.name == name]
    writes = [tensor for tensor in step.writes if tensor.root.name == name]
    touched = reads + writes
    ranges = {(tensor.root_offset_bytes, tensor.bytes) for tensor in touched}
    if len(ranges) > 1:  # different slices: the whole serves all
        root = touched[0].root
        return Use(root, root if reads else None, root if writes else None)
    return Use(touched[0], reads[0] if reads else None, writes[0] if writes else None)


@dataclass(frozen=True)
class _Candidate:
    """A tensor that could live nearer: what that saves, and the bytes that it adds to each Step."""

    name: str
    saved: int
    first: int
    extra: np.ndarray

    @property
    def value(self) -> float:
        """Bytes not moved, for each byte kept over a Step."""
        return self.saved / max(1, int(self.extra.sum()))


def choose_homes(
    lives: Sequence[Life],
    uses: Sequence[Mapping[str, Use]],
    wanted: Sequence[Mapping[str, int]],
    budgets: Mapping[str, int],
    reached: Collection[str],
    barred: Collection[str] = (),
) -> dict[str, str]:
    """The level of each tensor, by name; `budgets`: bytes that may be alive in L1 and in L2.

    `wanted` are the bytes of L1 in which each Step would see each tensor that lives elsewhere.
    Tensors named in `reached` never live in L3, those in `barred` never in L1. L1 and L2 may still
    turn out too small.
    """
    near = _nearest(lives, uses, wanted, budgets["l1"], barred=barred)
    far = [life for life in lives if life.tensor.name not in near]
    if not budgets["l3"]:
        return {life.tensor.name: "l1" if life.tensor.name in near else "l2" for life in lives}
    here = [life for life in far if life.tensor.name in reached or life.tensor.kind in _IN_REACH]
    middle = {life.tensor.name for life in here}
    whole = [
        {name: aligned_bytes(use.tensor.bytes) for name, use in found.items()} for found in uses
    ]
    rest = [life for life in far if life not in here]
    middle |= _nearest(rest, uses, whole, budgets["l2"], here)
    return {
        life.tensor.name: "l1"
        if life.tensor.name in near
        else "l2"
        if life.tensor.name in middle
        else "l3"
        for life in lives
    }


def _nearest(
    lives: Sequence[Life],
    uses: Sequence[Mapping[str, Use]],
    wanted: Sequence[Mapping[str, int]],
    budget: int,
    fixed: Sequence[Life] = (),
    barred: Collection[str] = (),
) -> set[str]:
    """Tensors to keep in a level of which `budget` bytes may be alive; the rest is copied there."""
    names = {life.tensor.name for life in lives}
    alive = np.zeros(len(uses), dtype=np.int64)
    for life in fixed:
        alive[life.first : life.last] += life.bytes
    for index, found in enumerate(wanted):
        alive[index] += sum(size for name, size in found.items() if name in names)
    chosen = set()
    allowed = (life for life in lives if life.tensor.name not in barred)
    candidates = (_candidate(life, uses, wanted) for life in allowed)
    order = sorted(candidates, key=lambda c: (-c.value, c.name))
    for item in order:
        span = slice(item.first, item.first + len(item.extra))
        if int((alive[span] + item.extra).max(initial=0)) <= budget:
            alive[span] += item.extra
            chosen.add(item.name)
    return chosen


def _candidate(
    life: Life, uses: Sequence[Mapping[str, Use]], wanted: Sequence[Mapping[str, int]]
) -> _Candidate:
    name = life.tensor.name
    extra = np.full(life.last - life.first, life.bytes, dtype=np.int64)
    saved = 0
    for index in range(life.first, life.last):
        use = uses[index].get(name)
        if use is not None:
            extra[index - life.first] -= wanted[index][name]
            saved += use.moved_bytes
    return _Candidate(name, saved, life.first, extra)
