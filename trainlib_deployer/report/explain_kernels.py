"""`explain --stage kernels`: the C function that each Step calls, and why it may."""

from __future__ import annotations

from trainlib_deployer.project import Project
from trainlib_deployer.report.schema import COUNT, STRING, Document, Schema, array, obj
from trainlib_deployer.report.text import Cell, table

SCHEMA: Schema = {
    "steps": array(
        obj(
            {
                "name": STRING,
                "function": STRING,
                "source": STRING,
                "element": STRING,
                "accepts": STRING,
                "macs": COUNT,
            }
        )
    )
}


def document(project: Project) -> Document:
    """`accepts` is the condition over the shape under which the kernel is chosen."""
    steps = []
    for step in project.schedule.steps:
        kernel = project.kernels[step.name]
        steps.append(
            {
                "name": step.name,
                "function": kernel.function,
                "source": kernel.source,
                "element": kernel.element,
                "accepts": kernel.accepts,
                "macs": step.macs,
            }
        )
    return {"steps": steps}


def text(found: Document) -> str:
    """A row a Step."""
    rows: list[list[Cell]] = [
        [s["name"], s["function"], s["macs"], s["source"], _condition(s["accepts"])]
        for s in found["steps"]
    ]
    return table(["step", "C function", "MAC", "source", "accepts"], rows)


def _condition(accepts: str) -> str:
    return "any shape" if accepts == "1" else accepts
