"""Schedule + MemoryPlan → Program: transfers, kernel calls, and the barriers they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from trainlib_deployer.ir.graph import Schedule
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.memory.plan import Allocation, MemoryPlan
from trainlib_deployer.tuning.kernels import Kernel


class Sync(Enum):
    """What must happen before an action starts."""

    NONE = "none"
    WAIT = "wait"  # core 0 waits for its own transfers
    BARRIER = "barrier"  # all cores meet, transfers done


@dataclass(frozen=True)
class Span:
    """A range of bytes of one level."""

    level: str
    first: int
    last: int

    @classmethod
    def of(cls, allocation: Allocation) -> Span:
        start = allocation.offset
        return cls(allocation.level, start, start + allocation.bytes)

    def meets(self, other: Span) -> bool:
        return self.level == other.level and self.first < other.last and other.first < self.last


@dataclass(frozen=True)
class Transfer:
    """A whole tensor between its home in L2 and its L1 copy, started by core 0."""

    tensor: Tensor
    source: Allocation
    destination: Allocation

    @property
    def bytes(self) -> int:
        return self.source.bytes


@dataclass(frozen=True)
class Call:
    """One kernel call; `operands` are where each pointer argument lies (None: NULL)."""

    step: Step
    kernel: Kernel
    operands: tuple[Allocation | None, ...]


@dataclass(frozen=True)
class StepCode:
    """The code of one Step: fetch, call, store, each with what must be synchronised before it."""

    step: Step
    fetches: tuple[Transfer, ...]
    call: Call
    stores: tuple[Transfer, ...]
    before_fetches: Sync = Sync.NONE
    before_call: Sync = Sync.NONE
    before_stores: Sync = Sync.NONE


@dataclass(frozen=True)
class Program:
    """The training step as it is executed; the first `forward_steps` predict."""

    code: tuple[StepCode, ...]
    forward_steps: int


def lower(schedule: Schedule, kernels: Mapping[str, Kernel], memory: MemoryPlan) -> Program:
    """Give every operand its address and put barriers where data crosses cores, nowhere else."""
    code = tuple(_step_code(step, kernels[step.name], memory) for step in schedule.steps)
    forward = _synchronise(code[: schedule.forward_steps])
    # the team meets between forward and backward: predict is forward alone
    backward = _synchronise(code[schedule.forward_steps :])
    return Program(forward + backward, schedule.forward_steps)


def _step_code(step: Step, kernel: Kernel, memory: MemoryPlan) -> StepCode:
    roots = {tensor.name: tensor.root for tensor in step.tensors}
    homes = {name: memory.homes[root.name] for name, root in roots.items()}
    local = {
        name: memory.staged.get((step.name, root.name), homes[name]) for name, root in roots.items()
    }
    operands = tuple(local[o.tensor.name] if o.tensor else None for o in step.operands)
    moved = {
        tensor.root.name: tensor for tensor in step.tensors if local[tensor.name].step is not None
    }
    read_roots = {tensor.root.name for tensor in step.reads}
    written_roots = {tensor.root.name for tensor in step.writes}
    return StepCode(
        step,
        tuple(
            Transfer(tensor, homes[tensor.name], local[tensor.name])
            for root, tensor in moved.items()
            if root in read_roots
        ),
        Call(step, kernel, operands),
        tuple(
            Transfer(tensor, local[tensor.name], homes[tensor.name])
            for root, tensor in moved.items()
            if root in written_roots
        ),
    )


@dataclass(frozen=True)
class _Touch:
    """What one action reads and writes; `engine` when core 0 alone starts it."""

    reads: tuple[Span, ...]
    writes: tuple[Span, ...]
    engine: bool

    def conflicts(self, other: _Touch) -> bool:
        return (
            any(a.meets(b) for a in self.writes for b in other.reads + other.writes)
            or any(a.meets(b) for a in self.reads for b in other.writes)
        )  # fmt: skip


class _Synchroniser:
    """Remembers what has run since the last barrier and since the last wait of core 0."""

    def __init__(self) -> None:
        self._since_barrier: list[_Touch] = []
        self._in_flight: list[_Touch] = []

    def before(self, touch: _Touch | None) -> Sync:
        if touch is None:
            return Sync.NONE
        sync = Sync.NONE
        for earlier in self._since_barrier:
            if touch.conflicts(earlier) and not (touch.engine and earlier.engine):
                sync = Sync.BARRIER
        if sync is Sync.NONE and any(touch.conflicts(earlier) for earlier in self._in_flight):
            sync = Sync.WAIT
        if sync is Sync.BARRIER:
            self._since_barrier.clear()
        if sync is not Sync.NONE:
            self._in_flight.clear()
        self._since_barrier.append(touch)
        if touch.engine:
            self._in_flight.append(touch)
        return sync


def _synchronise(code: tuple[StepCode, ...]) -> tuple[StepCode, ...]:
    state = _Synchroniser()
    done = []
    for item in code:
        done.append(
            replace(
                item,
                before_fetches=state.before(_transfers_touch(item.fetches)),
                before_call=state.before(_call_touch(item.call)),
                before_stores=state.before(_transfers_touch(item.stores)),
            )
        )
    return tuple(done)


def _transfers_touch(transfers: tuple[Transfer, ...]) -> _Touch | None:
    if not transfers:
        return None
    return _Touch(
        tuple(Span.of(transfer.source) for transfer in transfers),
        tuple(Span.of(transfer.destination) for transfer in transfers),
        engine=True,
    )


def _call_touch(call: Call) -> _Touch:
    pairs = [
        (operand.access, Span.of(place))
        for operand, place in zip(call.step.operands, call.operands, strict=True)
        if place is not None
    ]
    return _Touch(
        tuple(span for access, span in pairs if access.reads),
        tuple(span for access, span in pairs if access.writes),
        engine=False,
    )
