"""How many samples go through the network at once: what fits, and of that the faster way.

A whole mini-batch at once needs memory for every sample's activations; in several passes their
gradients are added up, and none can be applied before the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from trainlib_deployer.ir.graph import Graph
from trainlib_deployer.memory.fit import Fitted, Shrinking, fit, shortened
from trainlib_deployer.memory.need import LevelsFullError
from trainlib_deployer.memory.place import Effort
from trainlib_deployer.memory.plan import LEVELS
from trainlib_deployer.spec.device import DeviceSpec

GraphOf = Callable[[int], Graph]


@dataclass(frozen=True)
class Batching:
    """A training step in passes of so many samples, and what is known of it.

    `peak_bytes` are alive at once after the passes that cost no time, all levels together; `fits`
    and `cycles` of the whole step are None where it was not planned.
    """

    samples: int
    passes: int
    peak_bytes: int
    fits: bool | None = None
    cycles: int | None = None
    is_chosen: bool = False


class DoesNotFitAtAllError(Exception):
    """Not even in the smallest passes, of `graph`."""

    def __init__(self, graph: Graph, error: LevelsFullError) -> None:
        super().__init__(str(error))
        self.graph = graph
        self.error = error


@dataclass
class _Way:
    """One number of samples a pass."""

    graph: Graph
    fitted: Fitted | None = None
    fits: bool | None = None

    @property
    def cycles(self) -> int:
        assert self.fitted
        return self.fitted.cycles


def fit_batches(
    graph: Graph, graph_of: GraphOf, device: DeviceSpec, effort: Effort, shrinking: Shrinking
) -> tuple[Graph, Fitted, tuple[Batching, ...]]:
    """The network for the fastest passes that fit, and planned; `graph_of` makes it for so many
    samples. No Batchings for single samples, of which there is one way.

    Raises DoesNotFitAtAllError.
    """
    ways = [_Way(graph), *(_Way(graph_of(samples)) for samples in _fewer(graph))]
    error: LevelsFullError | None = None

    def plan(way: _Way) -> None:
        nonlocal error
        try:
            way.fitted, way.fits = fit(way.graph, device, effort, shrinking), True
        except LevelsFullError as found:
            way.fits, error = False, found

    best: _Way | None = None
    for way in ways:
        plan(way)
        if way.fitted is None:
            continue
        home = way.fitted.memory.home
        if best is None or way.cycles < best.cycles:
            best = way
        elif home != LEVELS[-1]:
            break  # fewer samples a pass are slower from here on
        if home == LEVELS[0]:
            break
    if best is None or best.fitted is None:
        assert error
        raise DoesNotFitAtAllError(ways[-1].graph, error)
    if graph.step_samples == 1:
        return best.graph, best.fitted, ()
    found = tuple(replace(_batching(way), is_chosen=way is best) for way in ways)
    return best.graph, best.fitted, found


def _fewer(graph: Graph) -> Iterator[int]:
    """Half of the samples, and half again, down to one; none where they depend on each other."""
    if graph.training is None or graph.joins_samples:
        return
    samples = graph.batch_size
    while samples > 1:
        samples = (samples + 1) // 2
        yield samples


def _batching(way: _Way) -> Batching:
    graph = way.graph
    cycles = way.cycles if way.fitted else None
    return Batching(graph.batch_size, graph.passes, shortened(graph).peak, way.fits, cycles)
