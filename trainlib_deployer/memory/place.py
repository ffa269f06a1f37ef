"""Schedule → MemoryPlan: who lives when, in which level, at which offset."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.errors import DoesNotFitError
from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.memory.allocate import allocate
from trainlib_deployer.memory.need import does_not_fit
from trainlib_deployer.memory.plan import Allocation, LevelUse, MemoryPlan
from trainlib_deployer.memory.problem import Buffer, Plan, Problem
from trainlib_deployer.spec.device import DeviceSpec

ALIGNMENT_BYTES = 8  # DMA engines and two-wide SIMD ask for it


@dataclass(frozen=True)
class Effort:
    """How long the allocator may search: nodes decide, seconds only guard."""

    search_nodes: int = 200_000
    time_limit_s: float | None = None


@dataclass(frozen=True)
class Life:
    """A tensor that owns memory, alive over the Steps [first, last)."""

    tensor: Tensor
    first: int
    last: int


def lifetimes(graph: Graph, schedule: Schedule) -> tuple[Life, ...]:
    """From the Step that makes a tensor to the last that touches it; parameters always live."""
    end = len(schedule.steps)
    spans: dict[str, tuple[Tensor, int, int]] = {}

    def touch(tensor: Tensor, first: int, last: int) -> None:
        root = tensor.root
        _, old_first, old_last = spans.get(root.name, (root, first, last))
        spans[root.name] = (root, min(old_first, first), max(old_last, last))

    for tensor in graph.parameters:
        touch(tensor, 0, end)
    touch(graph.input, 0, 1)
    if graph.training:
        touch(graph.training.target, 0, 1)
    else:
        touch(graph.output, end - 1 if end else 0, end)
    for index, step in enumerate(schedule.steps):
        for tensor in step.tensors:
            first = 0 if tensor.root.kind.is_given else index
            # the loss is read by whoever called, after the last Step
            touch(tensor, first, end if tensor.kind is Kind.LOSS else index + 1)
    return tuple(Life(*span) for span in spans.values())


def plan_memory(graph: Graph, schedule: Schedule, device: DeviceSpec, effort: Effort) -> MemoryPlan:
    """Everything in L1 when it fits; otherwise tensors in L2, each Step's operands brought whole.

    Raises DoesNotFitError with the need, the limit and the Step at the peak.
    """
    lives = lifetimes(graph, schedule)
    tensors = tuple(_buffer(life) for life in lives)
    everything = _problem(tensors, device, "l1")
    plan = _allocate(everything, effort)
    if plan.arena_bytes <= device.available("l1"):
        placed = tuple(
            _allocation("l1", buffer, plan, life.tensor)
            for buffer, life in zip(tensors, lives, strict=True)
        )
        levels = {"l1": _use(device, "l1", plan), "l2": _use(device, "l2", None)}
        return MemoryPlan("l1", placed, levels)
    copies = tuple(
        (_staged(step.name, index, tensor), step.name, tensor)
        for index, step in enumerate(schedule.steps)
        for tensor in {t.root.name: t.root for t in step.tensors}.values()
    )
    problems = {
        "l1": _problem(tuple(buffer for buffer, _, _ in copies), device, "l1"),
        "l2": _problem(tensors, device, "l2"),
    }
    plans = {level: _allocate(problem, effort) for level, problem in problems.items()}
    names = tuple(step.name for step in schedule.steps)
    full = [
        does_not_fit(level, problems[level], plans[level], names, device)
        for level in problems
        if plans[level].arena_bytes > device.available(level)
    ]
    if full:
        raise DoesNotFitError(full)
    homes = tuple(
        _allocation("l2", buffer, plans["l2"], life.tensor)
        for buffer, life in zip(tensors, lives, strict=True)
    )
    staged = tuple(
        _allocation("l1", buffer, plans["l1"], tensor, step) for buffer, step, tensor in copies
    )
    levels = {level: _use(device, level, plan) for level, plan in plans.items()}
    return MemoryPlan("l2", homes + staged, levels)


def _allocate(problem: Problem, effort: Effort) -> Plan:
    return allocate(problem, search_nodes=effort.search_nodes, time_limit_s=effort.time_limit_s)


def _buffer(life: Life) -> Buffer:
    tensor = life.tensor
    size = _aligned(tensor.bytes)
    return Buffer(tensor.name, size, life.first, life.last, ALIGNMENT_BYTES, tensor.kind.value)


def _staged(step: str, index: int, tensor: Tensor) -> Buffer:
    """The L1 copy of a tensor for one Step."""
    name = f"{tensor.name} for {step}"
    size = _aligned(tensor.bytes)
    return Buffer(name, size, index, index + 1, ALIGNMENT_BYTES, tensor.kind.value)


def _aligned(count: int) -> int:
    return -(-count // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def _problem(buffers: tuple[Buffer, ...], device: DeviceSpec, level: str) -> Problem:
    return Problem(buffers, device.available(level))


def _allocation(
    level: str, buffer: Buffer, plan: Plan, tensor: Tensor, step: str | None = None
) -> Allocation:
    return Allocation(
        buffer.name,
        level,
        plan.offsets[buffer.name],
        tensor.bytes,
        buffer.first,
        buffer.last,
        buffer.kind,
        tensor.name,
        step,
    )


def _use(device: DeviceSpec, level: str, plan: Plan | None) -> LevelUse:
    capacity, reserved = device.capacity(level), device.reserved(level)
    if plan is None:
        return LevelUse(level, capacity, reserved, 0, 0, True, "empty", 0)
    return LevelUse(
        level,
        capacity,
        reserved,
        plan.arena_bytes,
        plan.lower_bound,
        plan.proven_optimal,
        plan.method,
        plan.search_nodes,
    )
