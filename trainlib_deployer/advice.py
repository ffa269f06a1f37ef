"""What would make a network fit: each way planned, none guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from trainlib_deployer.errors import Diagnostic, DoesNotFitError
from trainlib_deployer.ir.graph import Graph, Node
from trainlib_deployer.memory.fit import Candidate, Shrinking, candidates, hopeless
from trainlib_deployer.memory.place import Effort, plan_memory
from trainlib_deployer.memory.plan import MemoryPlan
from trainlib_deployer.passes import ROW_UPDATES
from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.spec.sizes import format_bytes

_QUICK = Effort(search_nodes=0)
_KIB = 1024
_HUGE = 1 << 36


@dataclass(frozen=True)
class Asked:
    """What was to fit: a spec on a device, whose levels have at most `max_bytes`.

    `graph` is of the fewest samples a pass, `graph_of` makes it for another batch size, which the
    layers may not take.
    """

    graph: Graph
    device: DeviceSpec
    shrinking: Shrinking
    max_bytes: Mapping[str, int]
    batch_size: int
    graph_of: Callable[[int], Graph]
    takes: Callable[[int], bool]


def advice(asked: Asked) -> tuple[Diagnostic, ...]:
    """One Diagnostic with the ways that work, the one that changes least first."""
    smallest = _smallest(asked.graph, asked.shrinking)
    ways = [
        *_sizes(smallest, asked.device, asked.max_bytes),
        *_batches(asked, smallest),
        *_freezing(asked, smallest),
    ]
    if not ways:
        return ()
    tried = _tried(smallest)
    return (Diagnostic(f"It would fit with {', or with '.join(ways)}.{tried}"),)


def _smallest(graph: Graph, shrinking: Shrinking) -> Candidate:
    """The smallest candidate but for single rows, whose many Steps take long to plan."""
    quick = replace(shrinking, without=(*shrinking.without, ROW_UPDATES.name))
    return min(candidates(graph, quick), key=lambda item: item.peak)


def _planned(candidate: Candidate, device: DeviceSpec) -> MemoryPlan | None:
    if hopeless(candidate, device):
        return None
    try:
        return plan_memory(candidate.graph, candidate.schedule, device, _QUICK)
    except DoesNotFitError:
        return None


def _sizes(candidate: Candidate, device: DeviceSpec, max_bytes: Mapping[str, int]) -> Iterator[str]:
    """The least size of each level with the others as they are; L1 and L2 where one is not enough.

    What one level holds, another need not: so each is looked for by planning. Sizes that the
    target cannot have are left out.
    """

    def possible(**sizes: int | None) -> bool:
        return all(
            size is not None and size <= max_bytes.get(level, _HUGE)
            for level, size in sizes.items()
        )

    l2_bytes = _least_l2(candidate, device)
    if possible(l2=l2_bytes):
        yield _options(l2=l2_bytes)
    elif l2_bytes is None:
        l1_bytes = _least_l1(candidate, replace(device, l2_bytes=_HUGE))
        if l1_bytes is None:
            return
        l2_bytes = _least_l2(candidate, replace(device, l1_bytes=l1_bytes))
        if (
            l2_bytes is not None
            and l2_bytes > device.l2_bytes
            and possible(l1=l1_bytes, l2=l2_bytes)
        ):
            yield _options(l1=l1_bytes, l2=l2_bytes)
    l1_bytes = _least_l1(candidate, device)
    if possible(l1=l1_bytes):
        yield _options(l1=l1_bytes)
    l3_bytes = _least_l3(candidate, device)
    if possible(l3=l3_bytes):
        yield _options(l3=l3_bytes)


def _least_l2(candidate: Candidate, device: DeviceSpec) -> int | None:
    """What a plan takes that need not save, or with L3 what it can do with; in whole KiB."""
    memory = _planned(candidate, replace(device, l2_bytes=_HUGE, l3_bytes=0))
    if memory is None:
        return None
    least = _whole(memory.levels["l2"].used + device.reserved("l2"))
    if not device.l3_bytes:
        return least

    def fits(size: int) -> bool:
        return _planned(candidate, replace(device, l2_bytes=size * _KIB)) is not None

    found = _halved(device.l2_bytes // _KIB, least // _KIB, fits)
    return found * _KIB if found else least


def _least_l3(candidate: Candidate, device: DeviceSpec) -> int | None:
    """What a plan takes that has it without limit, in whole KiB, if one of that size has enough."""
    memory = _planned(candidate, replace(device, l3_bytes=_HUGE))
    if memory is None:
        return None
    l3_bytes = _whole(memory.levels["l3"].used + device.reserved("l3"))
    return l3_bytes if _planned(candidate, replace(device, l3_bytes=l3_bytes)) else None


def _options(**sizes: int | None) -> str:
    return " ".join(f"--{level} {size // _KIB}k" for level, size in sizes.items() if size)


def _least_l1(candidate: Candidate, device: DeviceSpec) -> int | None:
    """By halving; in whole KiB."""

    def fits(size: int) -> bool:
        return _planned(candidate, replace(device, l1_bytes=size * _KIB)) is not None

    small = max(device.l1_bytes, candidate.tile_bytes + device.reserved("l1")) // _KIB - 1
    large = _whole(candidate.peak * 2 + device.reserved("l1")) // _KIB
    found = _halved(small, large, fits)
    return found * _KIB if found else None


def _halved(small: int, large: int, fits: Callable[[int], bool]) -> int | None:
    """The least number above `small` that fits, where `large` does; None: not even that."""
    if not fits(large):
        return None
    while large - small > 1:
        middle = (small + large) // 2
        small, large = (small, middle) if fits(middle) else (middle, large)
    return large


def _whole(count: int) -> int:
    return -(-count // _KIB) * _KIB


def _batches(asked: Asked, smallest: Candidate) -> Iterator[str]:
    """The largest mini-batch that fits, of those that every layer takes."""

    def fitting(batch_size: int) -> Candidate | None:
        less = _smallest(asked.graph_of(batch_size), asked.shrinking)
        return less if _planned(less, asked.device) else None

    most = asked.batch_size
    if asked.graph.training is None or most == 1:
        return
    fewer = _halved(0, most - 1, lambda count: fitting(most - count) is not None)
    if fewer is None:
        return
    for batch_size in filter(asked.takes, range(most - fewer, 0, -1)):
        less = fitting(batch_size)
        if less:
            yield f"batch_size: {batch_size}{_saves(smallest, less)}"
            return


def _freezing(asked: Asked, smallest: Candidate) -> Iterator[str]:
    """The fewest layers from the input on that must not learn."""
    graph, device = asked.graph, asked.device
    learning = [node for node in graph.nodes if node.learns]
    if graph.training is None or len(learning) < 2:
        return

    def frozen(count: int) -> Candidate:
        names = {node.name for node in learning[:count]}
        less = replace(graph, nodes=tuple(_frozen(node, names) for node in graph.nodes))
        return _smallest(less, replace(asked.shrinking, remat=None))

    least = _halved(0, len(learning) - 1, lambda count: _planned(frozen(count), device) is not None)
    if least is not None:
        word = "layer" if least == 1 else "layers"
        yield (
            f"trainable: false on the {word} up to '{learning[least - 1].name}'"
            f"{_saves(smallest, frozen(least))}"
        )


def _saves(smallest: Candidate, less: Candidate) -> str:
    """Fewer Steps may fit with a higher peak, which L1 holds."""
    saved = smallest.peak - less.peak
    return f" (saves {format_bytes(saved)})" if saved > 0 else ""


def _frozen(node: Node, names: set[str]) -> Node:
    return replace(node, trainable=False) if node.name in names else node


def _tried(smallest: Candidate) -> str:
    done = [saving for saving in smallest.savings if saving.extra_macs]
    if not done:
        return ""
    saved, work = sum(item.bytes for item in done), sum(item.extra_macs for item in done)
    return f" Making activations again (--remat) is counted: {format_bytes(saved)}, {work} MAC."
