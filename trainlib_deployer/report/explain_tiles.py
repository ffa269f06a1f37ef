"""`explain --stage tiles`: how each Step runs on tiles, what it moves, and what it should cost."""

from __future__ import annotations

from collections.abc import Mapping

from trainlib_deployer.lowering.program import FarMove, StepCode
from trainlib_deployer.project import Project
from trainlib_deployer.report.schema import (
    BOOLEAN,
    COUNT,
    LEVEL,
    STRING,
    Document,
    Schema,
    array,
    obj,
)
from trainlib_deployer.report.text import Cell, table

_FAR: Schema = obj(
    {
        "tensor": STRING,
        "bytes": COUNT,
        "way": {"enum": ["in", "out"]},
        "first": STRING,
        "last": STRING,
        "ahead": COUNT,
    }
)
_OPERAND: Schema = obj({"tensor": STRING, "home": LEVEL, "bytes": COUNT, "buffers": COUNT})
SCHEMA: Schema = {
    "passes": COUNT,
    "steps": array(
        obj(
            {
                "name": STRING,
                "tiles": COUNT,
                "tile": {"type": "object", "additionalProperties": COUNT},
                "overlap": BOOLEAN,
                "l1_bytes": COUNT,
                "bytes_in": COUNT,
                "bytes_out": COUNT,
                "compute_cycles": COUNT,
                "transfer_cycles": COUNT,
                "cycles": COUNT,
                "bound": {"enum": ["compute", "transfers"]},
                "operands": array(_OPERAND),
                "l3": array(_FAR),
            }
        )
    ),
}


def document(project: Project) -> Document:
    """`tile`: iterations of each loop that is split; `buffers`: in L1, 0 where a tensor lives
    there; `l3`: what the Step starts to move between L2 and L3, the Steps that work on it in L2,
    and how many Steps ahead of the first of them it starts. Cycles are those predicted for
    PULP-open. A training step runs all but the updates `passes` times."""
    numbers = {code.step.name: number for number, code in enumerate(project.program.code)}
    steps = [_step(project, code, numbers) for code in project.program.code]
    return {"passes": project.graph.passes, "steps": steps}


def _step(project: Project, code: StepCode, numbers: Mapping[str, int]) -> Document:
    plan = project.memory.tiles[code.step.name]
    cost = plan.predicted
    slots = {index: slot for slot in plan.slots for index in slot.operands}
    operands = {}
    for index, operand in enumerate(code.step.operands):
        if operand.tensor:
            root, slot = operand.tensor.root, slots.get(index)
            operands[root.name] = {
                "tensor": root.name,
                "home": project.memory.homes[root.name].level,
                "bytes": slot.slot_bytes if slot else operand.tensor.bytes,
                "buffers": slot.buffers if slot else 0,
            }
    bound = "compute" if cost.compute_cycles >= cost.transfer_cycles else "transfers"
    return {
        "name": code.step.name,
        "tiles": plan.count,
        "tile": {loop.name: loop.size for loop in plan.loops},
        "overlap": plan.overlap,
        "l1_bytes": plan.bytes,
        "bytes_in": cost.bytes_in,
        "bytes_out": cost.bytes_out,
        "compute_cycles": round(cost.compute_cycles),
        "transfer_cycles": round(cost.transfer_cycles),
        "cycles": round(cost.cycles),
        "bound": bound,
        "operands": list(operands.values()),
        "l3": [_far(code, move, numbers) for move in (*code.coming, *code.leaving)],
    }


def _far(code: StepCode, move: FarMove, numbers: Mapping[str, int]) -> Document:
    first, last = move.steps
    return {
        "tensor": move.transfer.tensor.name,
        "bytes": move.transfer.bytes,
        "way": "in" if move in code.coming else "out",
        "first": first,
        "last": last,
        "ahead": max(0, numbers[first] - numbers[code.step.name]),
    }


def text(found: Document) -> str:
    """A row a Step."""
    far = sum(move["bytes"] for step in found["steps"] for move in step["l3"])
    rows: list[list[Cell]] = [
        [
            step["name"],
            step["tiles"],
            _tile(step),
            step["bytes_in"] or None,
            step["bytes_out"] or None,
            step["compute_cycles"],
            step["transfer_cycles"] or None,
            step["cycles"],
            step["bound"],
            ", ".join(map(_operand, step["operands"])),
            *([", ".join(map(_far_words, step["l3"]))] if far else []),
        ]
        for step in found["steps"]
    ]
    moved = sum(step["bytes_in"] + step["bytes_out"] for step in found["steps"])
    cycles = sum(step["cycles"] for step in found["steps"])
    head = ["step", "tiles", "one tile", "bytes in", "bytes out", "compute", "transfers", "cycles"]
    head += ["bound by", "buffers in L1", *(["starts to move from and to L3"] if far else [])]
    once = "a training step"
    if found["passes"] > 1:
        once = f"one of {found['passes']} passes and the updates"
    note = f"{moved:,} bytes move between L1 and L2 in {once}"
    note = note if moved else "everything is in L1: nothing moves"
    note += f", {far:,} between L2 and L3" if far else ""
    return f"{table(head, rows)}\n{note}; {cycles:,} cycles are predicted for PULP-open"


def _tile(step: Document) -> str:
    if step["tiles"] == 1:
        return "all"
    return " ".join(f"{size} {name}" for name, size in step["tile"].items())


def _far_words(move: Document) -> str:
    if move["way"] == "out":
        return f"{move['tensor']} goes"
    until = f" to {move['last']}" if move["last"] != move["first"] else ""
    return f"{move['tensor']} for {move['first']}{until}"


def _operand(operand: Document) -> str:
    if operand["buffers"] == 0:
        return f"{operand['tensor']} (lives there)"
    times = f"{operand['buffers']} x " if operand["buffers"] > 1 else ""
    return f"{operand['tensor']} {times}{operand['bytes']}"
