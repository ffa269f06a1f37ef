"""`explain --stage schedule`: the Steps of one training step in order."""

from __future__ import annotations

from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.project import Project
from trainlib_deployer.report.schema import COUNT, STRING, Document, Schema, array, obj
from trainlib_deployer.report.text import Cell, table

_LOOP: Schema = obj(
    {"name": STRING, "extent": COUNT, "kind": {"enum": ["parallel", "reduction", "ordered"]}}
)
SCHEMA: Schema = {
    "forward_steps": COUNT,
    "steps": array(
        obj(
            {
                "index": COUNT,
                "name": STRING,
                "layer": STRING,
                "op": STRING,
                "phase": STRING,
                "reads": array(STRING),
                "writes": array(STRING),
                "loops": array(_LOOP),
                "macs": COUNT,
                "comment": STRING,
            }
        )
    ),
}


def document(project: Project) -> Document:
    """A tensor that a Step adds to is among its reads and its writes."""
    return {
        "forward_steps": project.schedule.forward_steps,
        "steps": [
            {
                "index": index,
                "name": step.name,
                "layer": step.layer,
                "op": step.op,
                "phase": step.phase.value,
                "reads": _names(step.reads),
                "writes": _names(step.writes),
                "loops": [
                    {"name": loop.name, "extent": loop.extent, "kind": loop.kind.value}
                    for loop in step.loops
                ],
                "macs": step.macs,
                "comment": step.comment,
            }
            for index, step in enumerate(project.schedule.steps)
        ],
    }


def _names(tensors: tuple[Tensor, ...]) -> list[str]:
    return list(dict.fromkeys(tensor.name for tensor in tensors))


def text(found: Document) -> str:
    """A row a Step; reductions are in brackets, ordered loops have an arrow."""
    rows: list[list[Cell]] = [
        [
            step["index"],
            step["name"],
            f"{step['op']} {step['phase']}",
            ", ".join(step["reads"]),
            ", ".join(step["writes"]),
            " ".join(map(_loop, step["loops"])),
            step["macs"],
            step["comment"],
        ]
        for step in found["steps"]
    ]
    head = ["#", "step", "kernel", "reads", "writes", "loops", "MAC", "comment"]
    forward = found["forward_steps"]
    note = f"Steps 0 to {forward - 1} predict. Loops: [reduction], >ordered, others parallel."
    return f"{table(head, rows)}\n{note}"


def _loop(loop: Document) -> str:
    words = f"{loop['name']}:{loop['extent']}"
    return {"reduction": f"[{words}]", "ordered": f">{words}"}.get(loop["kind"], words)
