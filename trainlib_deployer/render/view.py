"""Project → the words that the templates use, and plan.json."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainlib_deployer import __version__
from trainlib_deployer.ir.dtype import DType
from trainlib_deployer.ir.graph import Graph
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.memory.plan import MemoryPlan
from trainlib_deployer.passes import folded_norms
from trainlib_deployer.project import Project
from trainlib_deployer.render.check_view import Check, absent, checks, guard_spans
from trainlib_deployer.render.code_view import CodeView
from trainlib_deployer.render.golden_view import golden_view
from trainlib_deployer.render.names import c_number
from trainlib_deployer.render.rates_view import rates_view
from trainlib_deployer.render.readme_view import readme_view
from trainlib_deployer.tiling.plan import TilePlan
from trainlib_deployer.training.tolerance import tolerances

STATE_HEADER_BYTES = 8


@dataclass(frozen=True)
class ProjectView:
    """The templates' context, plan.json, and the files to copy into inputs/."""

    context: Mapping[str, Any]
    plan: Mapping[str, Any]
    inputs: Mapping[str, Path]


def project_view(project: Project) -> ProjectView:
    """Decide every number and identifier of the generated project."""
    code = CodeView(project.graph, project.program, project.memory)
    tolerance = tolerances(project.schedule)
    compared = checks(project.schedule, tolerance)
    offsets = _state_offsets(project)
    inputs = _inputs(project)
    plan = _plan(project, compared)
    net = _net(project, code, _plan_id(plan, project, inputs))
    golden = golden_view(project, inputs, tolerance)
    amplified = golden.get("amplified", {})
    context = {
        "tool_version": __version__,
        "net": net,
        "levels": _levels(project.memory),
        "all_levels": _all_levels(project.memory),
        "buffers": _buffers(project.memory),
        "headers": _headers(project),
        "forward": code.forward,
        "backward": code.backward,
        "update": code.update,
        "steps": code.steps,
        "step_enum": code.step_enum,
        "tiled_ops": code.tiled_ops,
        "state": [
            {"id": code.home(tensor), "bytes": tensor.bytes} for tensor in project.graph.persistent
        ],
        **rates_view(project, code),
        "spans": [
            {**asdict(span), "level_index": _level_index(project.memory, span.level)}
            for span in guard_spans(project.program)
        ],
        "checks": [_check(check, code, project, offsets, amplified) for check in compared],
        "golden": golden,
        "readme": readme_view(project),
        "plan": plan,
    }
    # last: every pointer that the words above use is known by now
    context["pointers"] = code.buffers
    return ProjectView(context, plan, inputs)


def _net(project: Project, code: CodeView, plan_id: int) -> dict[str, Any]:
    graph, training = project.graph, project.graph.training
    own_target = training and training.target is not graph.input
    return {
        "name": graph.name,
        "cores": project.device.cores,
        "batch": graph.step_samples,
        "pass": graph.batch_size,
        "passes": graph.passes,
        "input_count": graph.input.count // graph.batch_size,
        "input_shape": _shape(graph.input),
        "input_id": code.home(graph.input),
        "input_bytes": graph.input.bytes // graph.batch_size,
        "output_count": graph.output.count // graph.batch_size,
        "output_shape": _shape(graph.output),
        "output_id": code.home(graph.output),
        "output_bytes": graph.output.bytes // graph.batch_size,
        "classes": graph.classes or 0,
        "trains": int(training is not None),
        "has_far": code.has_far,
        "has_parts": code.has_parts,
        "has_modes": any(step.predicting for step in project.schedule.steps),
        "loss_id": code.home(training.loss_tensor) if training else None,
        "target": _target(training.target, code) if training and own_target else None,
        "counter_id": code.home(training.counter) if training and training.counter else None,
        "kept": _kept(graph),
        "early_stopping": _early_stopping(project, code),
        "state_bytes": STATE_HEADER_BYTES + sum(t.bytes for t in graph.persistent),
        "state_id": _identity([[t.name, t.shape] for t in graph.persistent]),
        "plan_id": plan_id,
    }


def _target(target: Tensor, code: CodeView) -> dict[str, Any]:
    return {
        "id": code.home(target),
        "c_type": target.dtype.c_name,
        "count": target.count // target.shape[0],
        "bytes": target.bytes // target.shape[0],
        "shape": _shape(target),
        "meaning": ", class indices" if target.dtype is DType.I32 else "",
    }


def _kept(graph: Graph) -> str:
    """What is saved beside the parameters."""
    training = graph.training
    counts = training is not None and training.counter is not None
    optimizer = " and the optimizer's state" if graph.optimizer_state or counts else ""
    return optimizer + (" and the best evaluation" if training and training.best else "")


def _early_stopping(project: Project, code: CodeView) -> dict[str, Any] | None:
    """When net_count_evaluation() says that training should end."""
    spec, training = project.early_stopping, project.graph.training
    if spec is None:
        return None
    assert training and training.best
    best = f"{code.home(training.best)}[BEST]"
    is_loss = spec.monitor == "loss"
    return {
        "id": code.home(training.best),
        "monitored": "mean loss" if is_loss else "share of right answers",
        "monitors_loss": int(is_loss),
        "gain": f"{best} - value" if is_loss else f"value - {best}",
        "min_delta": c_number(spec.min_delta),
        "patience": spec.patience,
        "restores": int(spec.restore_best_weights),
    }


def _shape(tensor: Tensor) -> str:
    """Of one sample."""
    return ", ".join(map(str, (1, *tensor.shape[1:])))


def _identity(document: object) -> int:
    """32 bits of a hash that says whether two files belong together."""
    text = json.dumps(document, sort_keys=True).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big")


def _plan_id(plan: Mapping[str, Any], project: Project, inputs: Mapping[str, Path]) -> int:
    files = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in inputs.items()}
    return _identity([plan, hashlib.sha256(project.spec.text).hexdigest(), files])


def _inputs(project: Project) -> dict[str, Path]:
    """The spec's own files, by their place in the project."""
    spec = project.spec
    given = {**spec.data.files, **({"init": spec.init} if spec.init else {})}
    return {f"inputs/{name}.npz": path for name, path in given.items()}


def _levels(memory: MemoryPlan) -> list[dict[str, Any]]:
    """The levels that hold something: each has an arena."""
    return [level for level in _all_levels(memory) if level["used"] > 0]


def _all_levels(memory: MemoryPlan) -> list[dict[str, Any]]:
    return [
        {
            "name": use.level,
            "macro": use.level.upper(),
            "attribute": f"TL_{use.level.upper()}",
            "used": use.used,
            "capacity": use.capacity,
            "reserved": use.reserved,
            "available": use.capacity - use.reserved,
        }
        for use in memory.levels.values()
    ]


def _level_index(memory: MemoryPlan, level: str) -> int:
    return [entry["name"] for entry in _levels(memory)].index(level)


def _buffers(memory: MemoryPlan) -> list[dict[str, Any]]:
    return [
        {
            "name": a.name,
            "level_index": _level_index(memory, a.level),
            "offset": a.offset,
            "bytes": a.bytes,
            "first": a.first,
            "last": a.last,
        }
        for a in memory.allocations
    ]


def _headers(project: Project) -> list[str]:
    """The library's headers that declare what is called."""
    rates = {"tl/rates.h"} if project.graph.rates else set()
    return sorted({kernel.header for kernel in project.kernels.values()} | rates)


def _state_offsets(project: Project) -> dict[str, int]:
    """Where each tensor lies in a saved state, in bytes."""
    found = {}
    offset = STATE_HEADER_BYTES
    for tensor in project.graph.persistent:
        found[tensor.name] = offset
        offset += tensor.bytes
    return found


def _check(
    check: Check,
    code: CodeView,
    project: Project,
    offsets: Mapping[str, int],
    amplified: Collection[str],
) -> dict[str, Any]:
    step = project.schedule.steps[check.step].name
    is_gradient = check.kind == Kind.WEIGHT_GRAD.value
    return {
        "step": check.step,
        "kind": check.kind,
        "name": check.name,
        "id": code.after(step, check.tensor),
        "home": code.home(check.tensor),
        "whole": check.whole,
        "first": check.first,
        "count": check.tensor.count,
        "per_sample": check.per_sample,
        "first_sample": check.first_sample,
        "tolerance": c_number(float(f"{check.tolerance:.6e}")),
        "imposed": int(is_gradient and check.whole in amplified),
        "probed": offsets[check.tensor.name] if check.probed else 0,
    }


def _tiles(plan: TilePlan) -> dict[str, Any]:
    return {
        "tiles": plan.count,
        "tile": {loop.name: loop.size for loop in plan.loops},
        "overlap": plan.overlap,
        "cycles": round(plan.predicted.cycles),
    }


def _plan(project: Project, compared: tuple[Check, ...]) -> dict[str, Any]:
    schedule, memory = project.schedule, project.memory
    stopping = project.early_stopping
    offsets = _state_offsets(project)
    state = [
        {
            "name": tensor.name,
            "kind": tensor.kind.value,
            "shape": list(tensor.shape),
            "offset": offsets[tensor.name],
        }
        for tensor in project.graph.persistent
    ]
    return {
        "schema": 1,
        "network": project.graph.name,
        "target": project.device.target,
        "cores": project.device.cores,
        "batch_size": project.graph.step_samples,
        "pass_samples": project.graph.batch_size,
        "training_steps": project.training_steps,
        "early_stopping": stopping and {"monitor": stopping.monitor, "patience": stopping.patience},
        "home": memory.home,
        "forward_steps": schedule.forward_steps,
        "steps": [
            {
                "name": step.name,
                "layer": step.layer,
                "phase": step.phase.value,
                "kernel": project.kernels[step.name].function,
                "macs": step.macs,
                "comment": step.comment,
                **_tiles(memory.tiles[step.name]),
            }
            for step in schedule.steps
        ],
        "buffers": [
            {
                "name": a.name,
                "level": a.level,
                "offset": a.offset,
                "bytes": a.bytes,
                "first": a.first,
                "last": a.last,
                "kind": a.kind,
                "tensor": a.tensor,
            }
            for a in memory.allocations
        ],
        "passes": [asdict(saving) for saving in project.savings],
        "memory": {use.level: asdict(use) for use in memory.levels.values()},
        "checks": [
            {
                "step": check.step,
                "kind": check.kind,
                "name": check.name,
                "count": check.tensor.count,
            }
            for check in compared
        ],
        "absent": absent(project, compared),
        "folded": folded_norms(project.folds),
        "state_header_bytes": STATE_HEADER_BYTES,
        "state": state,
        "macs": project.macs,
        "parameters": sum(math.prod(p.shape) for p in project.network.parameters),
    }
