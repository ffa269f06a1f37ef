"""What would make a network fit: each way planned, none guessed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from trainlib_deployer.errors import Diagnostic, DoesNotFitError
from trainlib_deployer.ir.graph import Graph, Node
from trainlib_deployer.memory.fit import Candidate, Shrinking, candidates, hopeless
from trainlib_deployer.memory.place import Effort, plan_memory
from trainlib_deployer.memory.plan import MemoryPlan
from trainlib_deployer.passes import ROW_UPDATES
from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.spec.sizes import format_bytes
from trainlib_deployer.training.differentiate import differentiate

_QUICK = Effort(search_nodes=0)
_KIB = 1024
_HUGE = 1 << 36


def advice(graph: Graph, device: DeviceSpec, shrinking: Shrinking) -> tuple[Diagnostic, ...]:
    """One Diagnostic with the ways that work, the one that changes least first."""
    smallest = _smallest(graph, shrinking)
    ways = [*_sizes(smallest, device), *_freezing(graph, device, shrinking, smallest)]
    if not ways:
        return ()
    tried = _tried(smallest)
    return (Diagnostic(f"It would fit with {', or with '.join(ways)}.{tried}"),)


def _smallest(graph: Graph, shrinking: Shrinking) -> Candidate:
    """The smallest candidate but for single rows, whose many Steps take long to plan."""
    quick = replace(shrinking, without=(*shrinking.without, ROW_UPDATES.name))
    return min(candidates(graph, differentiate(graph), quick), key=lambda item: item.peak)


def _planned(candidate: Candidate, device: DeviceSpec) -> MemoryPlan | None:
    if hopeless(candidate, device):
        return None
    try:
        return plan_memory(candidate.graph, candidate.schedule, device, _QUICK)
    except DoesNotFitError:
        return None


def _sizes(candidate: Candidate, device: DeviceSpec) -> Iterator[str]:
    """The least L2 with this L1, the least L1 with this L2, or both where one is not enough.

    What a larger L1 holds, L2 need not: so both are looked for by planning.
    """
    l2_bytes = _least_l2(candidate, device)
    if l2_bytes is not None:
        yield f"--l2 {l2_bytes // _KIB}k"
    else:
        l1_bytes = _least_l1(candidate, replace(device, l2_bytes=_HUGE))
        if l1_bytes is None:
            return
        l2_bytes = _least_l2(candidate, replace(device, l1_bytes=l1_bytes))
        if l2_bytes is not None and l2_bytes > device.l2_bytes:
            yield f"--l1 {l1_bytes // _KIB}k --l2 {l2_bytes // _KIB}k"
    l1_bytes = _least_l1(candidate, device)
    if l1_bytes is not None:
        yield f"--l1 {l1_bytes // _KIB}k"


def _least_l2(candidate: Candidate, device: DeviceSpec) -> int | None:
    """What a plan takes that need not save, in whole KiB."""
    memory = _planned(candidate, replace(device, l2_bytes=_HUGE, l3_bytes=0))
    return _whole(memory.levels["l2"].used + device.reserved("l2")) if memory else None


def _least_l1(candidate: Candidate, device: DeviceSpec) -> int | None:
    """By halving; in whole KiB."""

    def fits(size: int) -> bool:
        return _planned(candidate, replace(device, l1_bytes=size * _KIB)) is not None

    small = max(device.l1_bytes, candidate.tile_bytes + device.reserved("l1")) // _KIB - 1
    large = _whole(candidate.peak * 2 + device.reserved("l1")) // _KIB
    if not fits(large):
        return None
    while large - small > 1:
        middle = (small + large) // 2
        small, large = (small, middle) if fits(middle) else (middle, large)
    return large * _KIB


def _whole(count: int) -> int:
    return -(-count // _KIB) * _KIB


def _freezing(
    graph: Graph, device: DeviceSpec, shrinking: Shrinking, smallest: Candidate
) -> Iterator[str]:
    """The fewest layers from the input on that must not learn."""
    if graph.training is None:
        return
    learning = [node for node in graph.nodes if node.trainable and node.parameters]

    def frozen(count: int) -> Candidate:
        names = {node.name for node in learning[:count]}
        less = replace(graph, nodes=tuple(_frozen(node, names) for node in graph.nodes))
        return _smallest(less, replace(shrinking, remat=None))

    low, high = 0, len(learning) - 1
    if high < 1 or _planned(frozen(high), device) is None:
        return
    while high - low > 1:
        middle = (low + high) // 2
        works = _planned(frozen(middle), device) is not None
        low, high = (low, middle) if works else (middle, high)
    less = frozen(high)
    saved = smallest.peak - less.peak
    word = "layer" if high == 1 else "layers"
    yield (
        f"trainable: false on the {word} up to '{learning[high - 1].name}'"
        f" (saves {format_bytes(saved)})"
    )


def _frozen(node: Node, names: set[str]) -> Node:
    return replace(node, trainable=False) if node.name in names else node


def _tried(smallest: Candidate) -> str:
    done = [saving for saving in smallest.savings if saving.extra_macs]
    if not done:
        return ""
    saved, work = sum(item.bytes for item in done), sum(item.extra_macs for item in done)
    return f" Making activations again (--remat) is counted: {format_bytes(saved)}, {work} MAC."
