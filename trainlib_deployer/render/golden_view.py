"""What golden.py says: modules, calls, loss and optimizer as PyTorch expressions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainlib_deployer.ir.graph import Graph, Node, Training
from trainlib_deployer.ir.tensor import whole_name
from trainlib_deployer.optimizers.base import Optimizer
from trainlib_deployer.passes import folded_norms
from trainlib_deployer.project import Project
from trainlib_deployer.schedules.constant import Constant


def golden_view(
    project: Project,
    inputs: Mapping[str, Path],
    tolerance: Mapping[tuple[str, str], float],
) -> dict[str, Any]:
    """The words of golden.py."""
    graph, training = project.network, project.network.training
    calls = [{"name": node.name, "expression": _call(node)} for node in graph.nodes]
    modules = [(node.name, node.layer.torch_module(node)) for node in graph.nodes]
    view = {
        "seed": project.spec.training.seed,
        "steps": project.training_steps,
        "shuffle": project.spec.training.shuffle,
        "evaluate_every": project.evaluate_every,
        "held_out": _held_out(project),
        "early_stopping": project.early_stopping,
        "drop_last": project.spec.training.drop_last,
        "batch": project.spec.training.batch_size if training else 1,
        "accumulate": project.spec.training.accumulate if training else 1,
        "samples": project.samples,
        "input_shape": graph.input.shape[1:],
        "output": repr(graph.output.name),
        "classes": graph.classes,
        "modules": [{"name": n, "expression": e} for n, e in modules if e is not None],
        "calls": calls,
        "folded": folded_norms(project.folds),
        "frozen": [node.name for node in graph.nodes if node.parameters and not node.trainable],
        "cancelling": _cancelling(graph),
        "terms": [
            {
                "source": node.inputs[0].name,
                "expression": expression,
                "before": sorted(_before(graph, node)),
            }
            for node in reversed(graph.nodes)
            if (expression := _terms(node)) is not None
        ],
        "kinks": _kinks(project.graph, tolerance),
        "target_is_input": bool(training and training.target is graph.input),
        "target_shape": training.target.shape[1:] if training else (),
    }
    for name in ("train", "init"):
        view[name] = next((path for path in inputs if path == f"inputs/{name}.npz"), None)
    if training:
        view["loss"] = training.loss.torch_call(f't["{graph.output.name}"]', "target")
        view["loss_is_mean"] = training.loss.reduction == "mean"
        view["optimizer"] = training.optimizer.torch_call("parameters")
        view["optimizer_source"] = training.optimizer.torch_source
        view["groups"] = _groups(graph, training)
        view["state"] = _state(graph, training)
        schedule = training.schedule or Constant()
        view["schedule"] = schedule.torch_scheduler("optimizer")
        view["schedule_every"] = project.steps_per_epoch if schedule.interval == "epoch" else 1
        view["clipping"] = training.clipping
        view["counts_steps"] = training.counter is not None
        view["amplified"] = _amplified(graph, training, tolerance)
        view["moved_by_rounding"] = [
            name for name in _shifts_taken_out(graph) if training.rules[name].optimizer.amplifies
        ]
    return view


def _held_out(project: Project) -> list[str]:
    """The data that is not trained on but used: the first one while training."""
    files, evaluates = project.spec.data.files, project.evaluate_every > 0
    used = ["validation"] if evaluates else []
    used += ["test"] if project.graph.classes or (evaluates and "validation" not in files) else []
    return [name for name in used if name in files]


def _groups(graph: Graph, training: Training) -> list[tuple[dict[str, float], list[str]]]:
    """PyTorch's parameter groups: their own options, and the parameters' names."""
    found: dict[Optimizer, list[str]] = {}
    for p in graph.learning:
        found.setdefault(training.rules[p.name].optimizer, []).append(p.name)
    return [({"lr": o.lr, "weight_decay": o.weight_decay}, names) for o, names in found.items()]


def _state(graph: Graph, training: Training) -> list[tuple[str, str]]:
    """What the optimizer keeps: (parameter, PyTorch's name), as net_save() has it."""
    return [(p.name, name) for p in graph.learning for name in training.state_of(p)]


def _amplified(
    graph: Graph, training: Training, tolerance: Mapping[tuple[str, str], float]
) -> dict[str, float]:
    """How far gradients may be off, by parameter, where what is made of them says more of that."""
    found: dict[str, float] = {}
    noisy = _cancelling(graph).keys() | _before_norms(graph)
    for p in graph.learning:
        if p.name in noisy or training.rules[p.name].optimizer.amplifies:
            gradient = f"{p.name}.grad"
            worst = max(v for (_, name), v in tolerance.items() if whole_name(name) == gradient)
            found[p.name] = float(f"{worst:.6e}")
    return found


def _sources(node: Node) -> tuple[str, ...]:
    return tuple(f't["{tensor.name}"]' for tensor in node.inputs)


def _call(node: Node) -> str:
    return node.layer.torch_call(f"self.{node.name}", _sources(node))


def _cancelling(graph: Graph) -> dict[str, str]:
    """Parameters whose gradient is a sum over dy that may cancel, each with the layer of that dy.

    A normalisation takes out a bias in front of it; and behind a depthwise convolution it takes out
    the weight of the normalisation before that.
    """
    found = _shifts_taken_out(graph)
    for node in graph.nodes:
        if node.layer.scales_channels and node.trainable:
            found |= {parameter.name: node.name for parameter in node.parameters.values()}
    return found


def _shifts_taken_out(graph: Graph) -> dict[str, str]:
    """Biases in front of a normalisation that takes them out again, each with its layer."""
    readers = Counter(tensor.name for node in graph.nodes for tensor in node.inputs)
    made = {node.name: node for node in graph.nodes}
    found: dict[str, str] = {}
    for node in graph.nodes:
        before = made.get(node.inputs[0].name)
        bias = before.parameters.get("bias") if before else None
        if before and bias and before.trainable and node.layer.shifts_cancel:
            rows = before.layer.rows_make_channels(*before.input_shapes)
            if rows and readers[before.name] == 1:
                found[bias.name] = before.name
    return found


def _terms(node: Node) -> str | None:
    source = node.inputs[0].name
    return node.layer.torch_terms(f"net.{node.name}", f't["{source}"]', f't["{node.name}"].grad')


def _before(graph: Graph, *norms: Node) -> set[str]:
    """What has a gradient made of those of norms' inputs: tensors and parameters before them."""
    found = {norm.inputs[0].name for norm in norms}
    for node in reversed(graph.nodes):
        if node.output.name in found:
            found |= {tensor.name for tensor in (*node.inputs, *node.parameters.values())}
    return found


def _before_norms(graph: Graph) -> set[str]:
    """All whose gradients come through a norm that may cancel most of it."""
    return _before(graph, *(node for node in graph.nodes if _terms(node) is not None))


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
