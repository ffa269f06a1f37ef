"""Copies that nobody needs become views: flatten, and gradients that only pass through."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.passes.base import Pass
from trainlib_deployer.passes.rewrite import share_memory


def _run(graph: Graph, schedule: Schedule) -> tuple[Graph, Schedule]:
    """One copy after the other: each view changes what the next may do."""
    uses = _Uses(schedule.steps)
    views: dict[str, Tensor] = {}
    gone: set[int] = set()
    for index, step in enumerate(schedule.steps):
        if step.is_copy:
            out, source = _ends(step)
            if out.view_of is None and uses.may_share(index, out.name, source.root.name):
                views[out.name] = source
                uses.join(index, out.name, source.root.name)
                gone.add(index)
    steps = tuple(step for index, step in enumerate(schedule.steps) if index not in gone)
    forward = schedule.forward_steps - sum(index < schedule.forward_steps for index in gone)
    return share_memory(graph, replace(schedule, steps=steps, forward_steps=forward), views)


def _ends(step: Step) -> tuple[Tensor, Tensor]:
    out, source = (operand.tensor for operand in step.operands)
    assert out and source
    return out, source


class _Uses:
    """When each piece of memory is touched, and when written; joined pieces count as one."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self._joined: dict[str, str] = {}
        self._touches: dict[str, dict[int, bool]] = defaultdict(dict)
        for index, step in enumerate(steps):
            for tensor in step.tensors:
                self._touches[tensor.root.name].setdefault(index, False)
            for tensor in step.writes:
                self._touches[tensor.root.name][index] = True

    def may_share(self, index: int, out: str, source: str) -> bool:
        """Behind the copy, no Step writes one end while it or a later one reads the other."""
        ends = [self._touches[self._memory(name)] for name in (out, source)]
        for written, other in (ends, reversed(ends)):
            writes = [i for i, writes in written.items() if writes and i > index]
            if writes and max(other) >= min(writes):
                return False
        return True

    def join(self, index: int, out: str, source: str) -> None:
        one, other = self._memory(out), self._memory(source)
        touches = self._touches.pop(one)
        del touches[index], self._touches[other][index]
        for at, writes in touches.items():
            self._touches[other][at] = writes or self._touches[other].get(at, False)
        self._joined[one] = other

    def _memory(self, name: str) -> str:
        while name in self._joined:
            name = self._joined[name]
        return name


VIEWS = Pass("views", "flatten and gradients that pass through share memory, not copy", _run)
