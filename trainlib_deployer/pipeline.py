"""The way of the data: one stage after the other, nothing more (design B1)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from trainlib_deployer.advice import Asked, advice
from trainlib_deployer.errors import Diagnostics, DoesNotFitError, PlanError, SpecError
from trainlib_deployer.ir.graph import Graph
from trainlib_deployer.lowering.far_times import with_far_times
from trainlib_deployer.lowering.lower import lower
from trainlib_deployer.lowering.verify import verify_program
from trainlib_deployer.memory.batching import DoesNotFitAtAllError, fit_batches
from trainlib_deployer.memory.check import check_memory
from trainlib_deployer.memory.fit import Shrinking, shortened
from trainlib_deployer.memory.place import Effort
from trainlib_deployer.passes.rematerialise import Point, frontier
from trainlib_deployer.project import Project
from trainlib_deployer.spec.data import DataSummary, check_data, check_init
from trainlib_deployer.spec.device import DeviceSpec, resolve_device
from trainlib_deployer.spec.load import load_spec
from trainlib_deployer.spec.model import DeviceOptions, ModelSpec
from trainlib_deployer.targets import TARGETS
from trainlib_deployer.training.build_graph import build_graph
from trainlib_deployer.tuning.kernels import choose_kernels

SYNTHETIC_SAMPLES = 8


def plan_project(
    model: Path,
    options: DeviceOptions,
    *,
    target: str | None = None,
    steps: int | None = None,
    effort: Effort | None = None,
    shrinking: Shrinking | None = None,
) -> Project:
    """From a spec file and device options to everything but the files.

    `effort` is the planner's, `shrinking` what may be done to need less memory.

    Raises SpecError with all errors of the spec at once, DoesNotFitError where a level is too
    small.
    """
    diagnostics = Diagnostics()
    spec = load_spec(model, diagnostics)
    graph = build_graph(spec, diagnostics) if spec else None
    summary = _check_files(spec, graph, diagnostics) if spec and graph else None
    samples = (summary and summary.train_samples) or SYNTHETIC_SAMPLES
    if spec and graph and summary:
        _check_batches(spec, graph, samples, diagnostics)
    diagnostics.raise_if_any()
    assert spec and graph and summary
    device = resolve_device(spec, options, target, TARGETS)
    if all(step.is_copy for node in graph.nodes for step in node.layer.forward(node)):
        raise SpecError(f"{model}: the network computes nothing. Add a layer that does.")
    shrinking = shrinking or Shrinking()
    of_pass = partial(_graph_of, spec)
    try:
        network, small, batchings = fit_batches(
            graph, of_pass, device, effort or Effort(), shrinking
        )
    except DoesNotFitAtAllError as found:
        ways = advice(_asked(spec, found.graph, device, shrinking, samples))
        raise DoesNotFitError((*found.error.diagnostics, *ways)) from found.error
    graph, schedule, memory = small.graph, small.schedule, small.memory
    kernels = choose_kernels(schedule, memory.tiles, device.cores)
    program = lower(schedule, kernels, memory)
    memory = with_far_times(program, memory)
    wrong = check_memory(memory)
    if wrong:
        raise PlanError("; ".join(wrong))
    verify_program(graph, program, memory)
    return Project(
        spec=spec,
        device=device,
        network=network,
        graph=graph,
        schedule=schedule,
        savings=small.savings,
        batchings=batchings,
        kernels=kernels,
        memory=memory,
        program=program,
        samples=samples,
        test_samples=summary.test_samples,
        training_steps=_training_steps(spec, samples, steps) if graph.training else 0,
    )


def _graph_of(spec: ModelSpec, pass_samples: int) -> Graph:
    """The network of a checked spec, for so many samples at once."""
    graph = build_graph(spec, Diagnostics(), pass_samples)
    assert graph
    return graph


def _asked(
    spec: ModelSpec, graph: Graph, device: DeviceSpec, shrinking: Shrinking, samples: int
) -> Asked:
    def with_batches(batch_size: int) -> ModelSpec:
        return replace(spec, training=replace(spec.training, batch_size=batch_size))

    def graph_of(batch_size: int) -> Graph:
        return _graph_of(with_batches(batch_size), batch_size if graph.joins_samples else 1)

    def takes(batch_size: int) -> bool:
        diagnostics = Diagnostics()
        _check_batches(with_batches(batch_size), graph, samples, diagnostics)
        return not diagnostics.items

    return Asked(
        graph,
        device,
        shrinking,
        TARGETS[device.target].max_bytes,
        spec.training.batch_size,
        graph_of,
        takes,
    )


def remat_frontier(project: Project) -> tuple[Point, ...]:
    """Bytes against extra work; empty where there is no backward pass."""
    if project.network.training is None:
        return ()
    short = shortened(project.network)
    return frontier(short.graph, short.schedule)


def _check_files(spec: ModelSpec, graph: Graph, diagnostics: Diagnostics) -> DataSummary:
    """The data and initial weights that the spec names must fit the network."""
    check_init(spec, {p.name: p.shape for p in graph.state}, diagnostics)
    training = graph.training
    if graph.classes is not None:
        return check_data(spec, (), True, graph.classes, diagnostics)
    if training is None or training.target is graph.input:
        return check_data(spec, None, False, None, diagnostics)
    return check_data(spec, training.target.shape[1:], False, None, diagnostics)


def _check_batches(spec: ModelSpec, graph: Graph, samples: int, diagnostics: Diagnostics) -> None:
    """There is a mini-batch, and the smallest one is large enough for every layer."""
    training = spec.training
    if not training.epochs:
        return
    if training.drop_last and training.batch_size > samples:
        diagnostics.add(
            f"batch_size {training.batch_size} with drop_last leaves no mini-batch of"
            f" {samples} samples.",
            training.key_where["batch_size"],
            f"Use a batch_size of at most {samples}.",
        )
        return
    rest = 0 if training.drop_last else samples % training.batch_size
    smallest = rest or training.batch_size
    for item, node in zip(spec.layers, graph.nodes, strict=True):
        least = node.layer.least_batch(*node.input_shapes)
        if smallest < least:
            last = f" (the last one of {samples} samples)" if rest else ""
            diagnostics.add(
                f"{item.type} '{item.name}' trains on mini-batches of at least {least} samples;"
                f" one of {smallest} comes{last}.",
                item.where,
                "Change batch_size, or set drop_last: true.",
            )


def _training_steps(spec: ModelSpec, samples: int, steps: int | None) -> int:
    """Epochs over the mini-batches, cut by `max_steps` and by --steps."""
    training = spec.training
    total = training.epochs * training.steps_of(samples)
    caps = [cap for cap in (training.max_steps, steps) if cap is not None]
    return min(total, *caps) if caps else total
