"""`explain --stage graph`: the layers, what they make and what they learn."""

from __future__ import annotations

from trainlib_deployer.project import Project
from trainlib_deployer.report.folding import FOLDING_SCHEMA, folding_document, folding_text
from trainlib_deployer.report.schema import (
    BOOLEAN,
    COUNT,
    SHAPE,
    STRING,
    Document,
    Schema,
    array,
    nullable,
    obj,
)
from trainlib_deployer.report.text import Cell, shape, table

SCHEMA: Schema = {
    "input": obj({"name": STRING, "shape": SHAPE}),
    "layers": array(
        obj(
            {
                "name": STRING,
                "type": STRING,
                "inputs": array(STRING),
                "output": SHAPE,
                "parameters": {"type": "object", "additionalProperties": SHAPE},
                "parameter_count": COUNT,
                "trainable": BOOLEAN,
            }
        )
    ),
    "folding": FOLDING_SCHEMA,
    "training": nullable(obj({"loss": STRING, "optimizer": STRING})),
}


def document(project: Project) -> Document:
    """Shapes are without the batch axis, as in the spec."""
    graph = project.network
    training = graph.training
    return {
        "input": {"name": graph.input.name, "shape": list(graph.input.shape[1:])},
        "layers": [
            {
                "name": node.name,
                "type": node.layer.type_name,
                "inputs": [tensor.name for tensor in node.inputs],
                "output": list(node.output.shape[1:]),
                "parameters": {key: list(p.shape) for key, p in node.parameters.items()},
                "parameter_count": sum(p.count for p in node.parameters.values()),
                "trainable": node.trainable,
            }
            for node in graph.nodes
        ],
        "folding": folding_document(project),
        "training": {
            "loss": training.loss.type_name,
            "optimizer": training.optimizer.type_name,
        }
        if training
        else None,
    }


def text(found: Document) -> str:
    """A row a layer."""
    rows: list[list[Cell]] = [["input", "", "", shape(found["input"]["shape"]), None, ""]]
    rows += [
        [
            layer["name"],
            layer["type"],
            ", ".join(layer["inputs"]),
            shape(layer["output"]),
            layer["parameter_count"],
            ("yes" if layer["trainable"] else "frozen") if layer["parameter_count"] else "",
        ]
        for layer in found["layers"]
    ]
    layers = table(["layer", "type", "input", "output", "parameters", "learns"], rows)
    if found["folding"]:
        layers = f"{layers}\n{folding_text(found['folding'])}"
    training = found["training"]
    if training is None:
        return f"{layers}\nno training: the network predicts only"
    return f"{layers}\nloss {training['loss']}, optimizer {training['optimizer']}"
