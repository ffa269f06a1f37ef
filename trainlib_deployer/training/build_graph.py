"""ModelSpec → Graph: every shape known, every error said at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainlib_deployer.errors import Diagnostics
from trainlib_deployer.ir.dtype import DType
from trainlib_deployer.ir.graph import Graph, Node, Rule, Training
from trainlib_deployer.ir.tensor import Kind, Shape, Tensor
from trainlib_deployer.layers.base import Layer, ShapeError
from trainlib_deployer.optimizers.base import Optimizer, Rate
from trainlib_deployer.spec.model import GroupSpec, LayerSpec, ModelSpec, TrainingSpec
from trainlib_deployer.training.clipping import Clipping


def build_graph(
    spec: ModelSpec, diagnostics: Diagnostics, pass_samples: int | None = None
) -> Graph | None:
    """The network of a spec; None where errors (all in `diagnostics`) leave no whole graph.

    It takes a mini-batch at once, or `pass_samples`.
    """
    n = (pass_samples or spec.training.batch_size) if spec.training.epochs else 1
    network_input = Tensor("input", Kind.INPUT, (n, *spec.input_shape))
    known: dict[str, Tensor | None] = {"input": network_input}
    nodes: list[Node] = []
    previous = "input"
    for item in spec.layers:
        sources = item.inputs or (previous,)
        inputs = [known.get(source) for source in sources]
        node = None
        if item.layer is not None and all(inputs):
            tensors = tuple(tensor for tensor in inputs if tensor)
            layer = item.layer if spec.training.epochs else item.layer.when_predicting()
            node = _build_node(item, layer, tensors, diagnostics)
        known[item.name] = node.output if node else None
        if node:
            nodes.append(node)
        previous = item.name
    if len(nodes) < len(spec.layers) or not nodes:
        return None
    _check_all_used(spec, nodes, diagnostics)
    training = _build_training(spec.training, spec.layers, nodes, network_input, diagnostics)
    classes = _classes(spec.training, nodes[-1].output)
    step_samples = spec.training.step_samples if spec.training.epochs else 1
    return Graph(spec.name, n, step_samples, network_input, tuple(nodes), training, classes)


def _build_node(
    item: LayerSpec, layer: Layer, inputs: tuple[Tensor, ...], diagnostics: Diagnostics
) -> Node | None:
    shapes = tuple(tensor.shape[1:] for tensor in inputs)
    try:
        output_shape = layer.output_shape(*shapes)
        parameters = layer.parameters(*shapes)
        buffers = layer.buffers(*shapes)
    except ShapeError as error:
        diagnostics.add(
            f"{item.type} '{item.name}' {error}; got " + _describe_sources(inputs), item.where
        )
        return None
    batch = inputs[0].shape[0]
    return Node(
        name=item.name,
        layer=layer,
        inputs=inputs,
        output=Tensor(item.name, Kind.ACTIVATION, (batch, *output_shape)),
        parameters={
            name: Tensor(f"{item.name}.{name}", Kind.WEIGHT, shape)
            for name, shape in parameters.items()
        },
        trainable=item.trainable and not layer.is_fixed,
        buffers={
            name: Tensor(f"{item.name}.{name}", Kind.BUFFER, shape)
            for name, shape in buffers.items()
        },
    )


def _describe_sources(inputs: tuple[Tensor, ...]) -> str:
    return " and ".join(f"{_shape_text(t.shape[1:])} from '{t.name}'" for t in inputs)


def _shape_text(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"


def _check_all_used(spec: ModelSpec, nodes: list[Node], diagnostics: Diagnostics) -> None:
    used = {tensor.name for node in nodes for tensor in node.inputs}
    for item in spec.layers[:-1]:
        if item.name not in used:
            diagnostics.add(
                f"the output of '{item.name}' is never used.",
                item.where,
                "Name it as an input of a later layer, or remove the layer.",
            )


def _build_training(
    spec: TrainingSpec,
    layers: Sequence[LayerSpec],
    nodes: list[Node],
    network_input: Tensor,
    diagnostics: Diagnostics,
) -> Training | None:
    if spec.epochs == 0 or spec.loss is None or spec.optimizer is None:
        return None
    output = nodes[-1].output
    if not any(node.learns for node in nodes):
        diagnostics.add(
            "no layer can learn: each one is frozen or has no parameters.",
            spec.where,
            "Set trainable: true on a layer, or epochs: 0 to predict only.",
        )
        return None
    try:
        wanted = spec.loss.target(output.shape[1:])
    except ShapeError as error:
        diagnostics.add(
            f"loss {spec.loss.type_name} {error}; got "
            f"{_shape_text(output.shape[1:])} from '{output.name}'",
            spec.where,
        )
        return None
    target = Tensor("target", Kind.TARGET, (output.shape[0], *wanted.shape), wanted.dtype)
    if spec.target == "input":
        if wanted.dtype is not DType.F32 or network_input.shape != output.shape:
            diagnostics.add(
                "target: input needs an output of the input's shape and a loss of tensors;"
                f" the output is {_shape_text(output.shape[1:])},"
                f" the input {_shape_text(network_input.shape[1:])},"
                f" the loss {spec.loss.type_name}",
                spec.where,
            )
            return None
        target = network_input
    loss = Tensor("loss", Kind.LOSS, (1,))
    rules, counter = _rules(spec, spec.optimizer, layers, nodes)
    return Training(
        loss=spec.loss,
        optimizer=spec.optimizer,
        loss_tensor=loss,
        target=target,
        rules=rules,
        counter=counter,
        best=_best(spec, wanted.classes, diagnostics),
        schedule=spec.schedule,
        clipping=_clipping(spec, diagnostics),
    )


def _best(spec: TrainingSpec, classes: int | None, diagnostics: Diagnostics) -> Tensor | None:
    """What early stopping keeps: the best evaluation's value and number, and their count."""
    stopping = spec.early_stopping
    if stopping is None:
        return None
    if stopping.monitor == "accuracy" and classes is None:
        diagnostics.add(
            "training: early_stopping: accuracy needs a loss of classes, such as cross_entropy.",
            stopping.key_where["monitor"],
            "Write monitor: loss.",
        )
    return Tensor("early_stopping.best", Kind.COUNTER, (3,))  # f32 counts so few exactly


def _clipping(spec: TrainingSpec, diagnostics: Diagnostics) -> Clipping | None:
    if spec.clip_grad_value is not None and spec.clip_grad_norm is not None:
        diagnostics.add(
            "training: gradients are clipped by value or by norm, not by both.",
            spec.key_where["clip_grad_norm"],
            "Leave out clip_grad_value or clip_grad_norm.",
        )
    if spec.clip_grad_value is not None:
        return Clipping("value", spec.clip_grad_value)
    return None if spec.clip_grad_norm is None else Clipping("norm", spec.clip_grad_norm)


def _rules(
    spec: TrainingSpec, optimizer: Optimizer, layers: Sequence[LayerSpec], nodes: Sequence[Node]
) -> tuple[Mapping[str, Rule], Tensor | None]:
    """How each parameter is updated, and the counter of steps where that needs one."""
    rules: dict[str, Rule] = {}
    rates: dict[tuple[float, Rate], Tensor] = {}
    for item, node in zip(layers, nodes, strict=True):
        for name, parameter in node.parameters.items():
            is_weight = name == "weight" and not node.layer.normalises
            decays = is_weight or spec.weight_decay_on == "all"
            own = _in_group(optimizer, item.group, decays)
            rate = own.rate(spec.schedule is not None)
            if rate and (own.lr, rate) not in rates:
                number = str(len(rates) + 1) if rates else ""
                tensor = Tensor(f"optimizer.rate{number}", Kind.RATE, (rate.count,))
                rates[own.lr, rate] = tensor
            rules[parameter.name] = Rule(own, rates[own.lr, rate] if rate else None)
    counter = Tensor("optimizer.step", Kind.COUNTER, (1,), DType.I32) if rates else None
    return rules, counter


def _in_group(optimizer: Optimizer, group: GroupSpec | None, decays: bool) -> Optimizer:
    """The optimizer with a group's own options."""
    changed = {}
    if group and group.lr is not None:
        changed["lr"] = group.lr
    if group and group.weight_decay is not None:
        changed["weight_decay"] = group.weight_decay
    return optimizer.with_options(**(changed if decays else {**changed, "weight_decay": 0.0}))


def _classes(spec: TrainingSpec, output: Tensor) -> int | None:
    """The number of classes of the loss's targets, if they are class indices."""
    if spec.loss is None:
        return None
    try:
        return spec.loss.target(output.shape[1:]).classes
    except ShapeError:
        return None
