"""Executes a Program symbolically and finds every access to memory that holds something else.

Shares nothing with the planner: no lifetimes, no problem, no allocator; only who wrote each byte
last. It runs on every deploy.
"""

from __future__ import annotations

from trainlib_deployer.ir.graph import Graph
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.lowering.program import Program, Sync
from trainlib_deployer.memory.plan import Allocation, MemoryPlan

_Owned = tuple[int, int, str]  # [first, last) holds this tensor


class PlanError(Exception):
    """The plan is wrong: a bug of ours, not of the user."""


class _Memory:
    """Who owns each byte of one level."""

    def __init__(self, level: str, size: int) -> None:
        self.level, self.size = level, size
        self._owned: list[_Owned] = []

    def put(self, first: int, last: int, owner: str) -> None:
        if first < 0 or last > self.size:
            raise PlanError(f"{owner} lies outside {self.level}: [{first}, {last}) of {self.size}")
        kept: list[_Owned] = []
        for start, end, name in self._owned:
            if start < first:
                kept.append((start, min(end, first), name))
            if end > last:
                kept.append((max(start, last), end, name))
        kept = [piece for piece in kept if piece[0] < piece[1]]
        self._owned = [*kept, (first, last, owner)]

    def need(self, first: int, last: int, owner: str, step: str) -> None:
        held = sum(
            max(0, min(end, last) - max(start, first))
            for start, end, name in self._owned
            if name == owner
        )
        if held == last - first:
            return
        others = sorted(
            name
            for start, end, name in self._owned
            if name != owner and start < last and first < end
        )
        holder = f"there is {', '.join(others)}" if others else "nothing was written there"
        raise PlanError(f"{step} reads {owner} from {self.level} [{first}, {last}), but {holder}")


def verify_program(graph: Graph, program: Program, plan: MemoryPlan) -> None:
    """Raise PlanError at the first read of what is not there, or access that races another."""
    memory = {use.level: _Memory(use.level, use.available) for use in plan.levels.values()}

    def put(place: Allocation, tensor: Tensor) -> None:
        _check_size(place, tensor)
        memory[place.level].put(place.offset, place.offset + place.bytes, tensor.root.name)

    def need(place: Allocation, tensor: Tensor, step: str) -> None:
        _check_size(place, tensor)
        end = place.offset + place.bytes
        memory[place.level].need(place.offset, end, tensor.root.name, step)

    given = [*graph.parameters, graph.input]
    if graph.training:
        given.append(graph.training.target)
    for tensor in given:
        put(plan.homes[tensor.root.name], tensor)
    for code in program.code:
        for transfer in code.fetches:
            need(transfer.source, transfer.tensor, code.step.name)
            put(transfer.destination, transfer.tensor)
        pairs = [
            (operand, place)
            for operand, place in zip(code.step.operands, code.call.operands, strict=True)
            if operand.tensor is not None and place is not None
        ]
        for operand, place in pairs:
            if operand.access.reads and operand.tensor:
                need(place, operand.tensor, code.step.name)
        for operand, place in pairs:
            if operand.access.writes and operand.tensor:
                put(place, operand.tensor)
        for operand, place in pairs:
            # an output must not have hit another operand of the same call
            if operand.tensor:
                need(place, operand.tensor, code.step.name)
        for transfer in code.stores:
            need(transfer.source, transfer.tensor, code.step.name)
            put(transfer.destination, transfer.tensor)
    for tensor in graph.parameters:
        need(plan.homes[tensor.name], tensor, "the next training step")
    last = graph.training.loss_tensor if graph.training else graph.output
    need(plan.homes[last.root.name], last, "the caller")
    _verify_barriers(program)


def _check_size(place: Allocation, tensor: Tensor) -> None:
    if place.bytes < tensor.bytes or place.offset % tensor.dtype.bytes:
        raise PlanError(f"{tensor.name} does not fit its place {place}")


def _verify_barriers(program: Program) -> None:
    """Between two barriers no two actions of different cores may meet in a written byte."""
    for part in (program.code[: program.forward_steps], program.code[program.forward_steps :]):
        epoch: list[tuple[str, bool, list[Allocation], list[Allocation]]] = []
        for code in part:
            calls = list(zip(code.step.operands, code.call.operands, strict=True))
            actions = (
                (code.before_fetches, True, [t.source for t in code.fetches],
                 [t.destination for t in code.fetches]),
                (code.before_call, False, [p for o, p in calls if p and o.access.reads],
                 [p for o, p in calls if p and o.access.writes]),
                (code.before_stores, True, [t.source for t in code.stores],
                 [t.destination for t in code.stores]),
            )  # fmt: skip
            for sync, by_core_0, reads, writes in actions:
                if sync is Sync.BARRIER:
                    epoch.clear()
                for name, other_by_core_0, other_reads, other_writes in epoch:
                    if by_core_0 and other_by_core_0:
                        continue
                    if _meet(writes, other_reads + other_writes) or _meet(reads, other_writes):
                        raise PlanError(f"no barrier between {name} and {code.step.name}")
                epoch.append((code.step.name, by_core_0, reads, writes))


def _meet(some: list[Allocation], others: list[Allocation]) -> bool:
    return any(
        a.level == b.level and a.offset < b.offset + b.bytes and b.offset < a.offset + a.bytes
        for a in some
        for b in others
    )
