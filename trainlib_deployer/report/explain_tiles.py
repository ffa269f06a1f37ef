"""`explain --stage tiles`: what each Step brings to L1, and what it takes back."""

from __future__ import annotations

from trainlib_deployer.lowering.program import StepCode
from trainlib_deployer.project import Project
from trainlib_deployer.report.schema import COUNT, LEVEL, STRING, Document, Schema, array, obj
from trainlib_deployer.report.text import Cell, table

_OPERAND: Schema = obj(
    {"tensor": STRING, "home": LEVEL, "bytes": COUNT, "bytes_in": COUNT, "bytes_out": COUNT}
)
SCHEMA: Schema = {
    "steps": array(
        obj(
            {
                "name": STRING,
                "tiles": COUNT,
                "bytes_in": COUNT,
                "bytes_out": COUNT,
                "operands": array(_OPERAND),
            }
        )
    )
}


def document(project: Project) -> Document:
    """Each Step is one tile: its operands come whole, or are in L1 already."""
    return {"steps": [_step(project, code) for code in project.program.code]}


def _step(project: Project, code: StepCode) -> Document:
    fetched = {move.tensor.root.name: move.bytes for move in code.fetched}
    stored = {move.tensor.root.name: move.bytes for move in code.stored}
    tensors = {tensor.root.name: tensor.root for tensor in code.step.tensors}
    return {
        "name": code.step.name,
        "tiles": 1,
        "bytes_in": sum(fetched.values()),
        "bytes_out": sum(stored.values()),
        "operands": [
            {
                "tensor": name,
                "home": project.memory.homes[name].level,
                "bytes": tensor.bytes,
                "bytes_in": fetched.get(name, 0),
                "bytes_out": stored.get(name, 0),
            }
            for name, tensor in tensors.items()
        ],
    }


def text(found: Document) -> str:
    """A row a Step."""
    rows: list[list[Cell]] = [
        [
            step["name"],
            step["tiles"],
            step["bytes_in"],
            step["bytes_out"],
            ", ".join(map(_operand, step["operands"])),
        ]
        for step in found["steps"]
    ]
    total = sum(step["bytes_in"] + step["bytes_out"] for step in found["steps"])
    head = ["step", "tiles", "bytes in", "bytes out", "operands (in L1 for the Step)"]
    note = f"{total:,} bytes move between levels in a training step"
    return f"{table(head, rows)}\n{note if total else 'everything is in L1: nothing moves'}"


def _operand(operand: Document) -> str:
    ways = [way for way in ("in", "out") if operand[f"bytes_{way}"]]
    return f"{operand['tensor']} {operand['bytes']}{' ' + '+'.join(ways) if ways else ''}"
