"""The way of the data: one stage after the other, nothing more (design B1)."""

from __future__ import annotations

from pathlib import Path

from trainlib_deployer.advice import advice
from trainlib_deployer.errors import Diagnostics, DoesNotFitError, PlanError, SpecError
from trainlib_deployer.ir.graph import Graph
from trainlib_deployer.lowering.program import lower
from trainlib_deployer.lowering.verify import verify_program
from trainlib_deployer.memory.check import check_memory
from trainlib_deployer.memory.fit import Shrinking, fit
from trainlib_deployer.memory.need import LevelsFullError
from trainlib_deployer.memory.place import Effort
from trainlib_deployer.passes import SHORTER, apply_passes
from trainlib_deployer.passes.rematerialise import Point, frontier
from trainlib_deployer.project import Project
from trainlib_deployer.spec.data import DataSummary, check_data, check_init
from trainlib_deployer.spec.device import resolve_device
from trainlib_deployer.spec.load import load_spec
from trainlib_deployer.spec.model import DeviceOptions, ModelSpec
from trainlib_deployer.targets import TARGETS
from trainlib_deployer.training.build_graph import build_graph
from trainlib_deployer.training.differentiate import differentiate
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
    diagnostics.raise_if_any()
    assert spec and graph and summary
    device = resolve_device(spec, options, target, TARGETS)
    schedule = differentiate(graph)
    if all(step.is_copy for step in schedule.steps):
        raise SpecError(f"{model}: the network computes nothing. Add a layer that does.")
    shrinking = shrinking or Shrinking()
    try:
        small = fit(graph, schedule, device, effort or Effort(), shrinking)
    except LevelsFullError as error:
        raise DoesNotFitError((*error.diagnostics, *advice(graph, device, shrinking))) from error
    graph, schedule, memory = small.graph, small.schedule, small.memory
    kernels = choose_kernels(schedule, memory.tiles, device.cores)
    program = lower(schedule, kernels, memory)
    wrong = check_memory(memory)
    if wrong:
        raise PlanError("; ".join(wrong))
    verify_program(graph, program, memory)
    samples = summary.train_samples or SYNTHETIC_SAMPLES
    return Project(
        spec=spec,
        device=device,
        graph=graph,
        schedule=schedule,
        savings=small.savings,
        kernels=kernels,
        memory=memory,
        program=program,
        samples=samples,
        test_samples=summary.test_samples,
        training_steps=_training_steps(spec, samples, steps) if graph.training else 0,
    )


def remat_frontier(spec: ModelSpec) -> tuple[Point, ...]:
    """Bytes against extra work of a checked spec; empty where there is no backward pass."""
    graph = build_graph(spec, Diagnostics())
    assert graph
    return (
        frontier(*apply_passes(graph, differentiate(graph), SHORTER)[:2]) if graph.training else ()
    )


def _check_files(spec: ModelSpec, graph: Graph, diagnostics: Diagnostics) -> DataSummary:
    """The data and initial weights that the spec names must fit the network."""
    check_init(spec, {p.name: p.shape for p in graph.parameters}, diagnostics)
    training = graph.training
    if graph.classes is not None:
        return check_data(spec, (), True, graph.classes, diagnostics)
    if training is None or training.target is graph.input:
        return check_data(spec, None, False, None, diagnostics)
    return check_data(spec, training.target.shape[1:], False, None, diagnostics)


def _training_steps(spec: ModelSpec, samples: int, steps: int | None) -> int:
    """Epochs over the samples, cut by `max_steps` and by --steps."""
    total = spec.training.epochs * samples
    caps = [cap for cap in (spec.training.max_steps, steps) if cap is not None]
    return min(total, *caps) if caps else total
