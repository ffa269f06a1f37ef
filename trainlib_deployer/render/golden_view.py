"""What golden.py says: modules, calls, loss and optimizer as PyTorch expressions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainlib_deployer.ir.graph import Graph, Node
from trainlib_deployer.project import Project


def golden_view(
    project: Project,
    inputs: Mapping[str, Path],
    tolerance: Mapping[tuple[str, str], float],
) -> dict[str, Any]:
    """The words of golden.py."""
    graph, training = project.graph, project.graph.training
    calls = [{"name": node.name, "expression": _call(node)} for node in graph.nodes]
    modules = [(node.name, node.layer.torch_module(node)) for node in graph.nodes]
    view = {
        "seed": project.spec.training.seed,
        "steps": project.training_steps,
        "shuffle": project.spec.training.shuffle,
        "samples": project.samples,
        "input_shape": graph.input.shape[1:],
        "output": repr(graph.output.name),
        "classes": graph.classes,
        "modules": [{"name": n, "expression": e} for n, e in modules if e is not None],
        "calls": calls,
        "frozen": [node.name for node in graph.nodes if node.parameters and not node.trainable],
        "kinks": _kinks(graph, tolerance),
        "target_is_input": bool(training and training.target is graph.input),
        "target_shape": training.target.shape[1:] if training else (),
    }
    for name in ("train", "test", "init"):
        view[name] = next((path for path in inputs if path == f"inputs/{name}.npz"), None)
    if training:
        view["loss"] = training.loss.torch_call(f't["{graph.output.name}"]', "target")
        view["optimizer"] = training.optimizer.torch_call("parameters")
    return view


def _sources(node: Node) -> tuple[str, ...]:
    return tuple(f't["{tensor.name}"]' for tensor in node.inputs)


def _call(node: Node) -> str:
    return node.layer.torch_call(f"self.{node.name}", _sources(node))


def _kinks(graph: Graph, tolerance: Mapping[tuple[str, str], float]) -> list[dict[str, Any]]:
    """Inputs of layers whose derivative jumps, with the f32 program's error there."""
    reached = {name: value for (_, name), value in tolerance.items()}
    found = []
    for node in graph.nodes:
        source = node.inputs[0]
        made = source  # a view that no Step writes holds what its source holds
        while made.name not in reached and made.view_of:
            made = made.view_of
        distance = node.layer.torch_kink(f't["{source.name}"]')
        if distance is not None and made.name in reached:
            found.append(
                {
                    "what": f"input of {node.name}",
                    "expression": f'{distance} / t["{source.name}"].abs().max()',
                    "tolerance": f"{reached[made.name]:.6e}",
                }
            )
    return found
