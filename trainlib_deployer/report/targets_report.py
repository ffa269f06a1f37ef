"""`targets`: each target, whether its tools are here, and what to install."""

from __future__ import annotations

from collections.abc import Iterable

from trainlib_deployer.report.schema import (
    BOOLEAN,
    COUNT,
    STRING,
    Document,
    array,
    by_level,
    nullable,
    obj,
    ok_document,
)
from trainlib_deployer.report.text import Cell, table
from trainlib_deployer.targets.base import Target

_DEVICE = obj(
    {"target": STRING, "cores": COUNT, "l1_bytes": COUNT, "l2_bytes": COUNT, "l3_bytes": COUNT,
     "reserved_bytes": {"type": "object", "additionalProperties": COUNT}}
)  # fmt: skip
_TARGET = obj(
    {
        "name": STRING,
        "description": STRING,
        "unit": {"enum": ["cycles", "instructions", "ns"]},
        "measures": STRING,
        "check_modes": array(STRING),
        "max_cores": COUNT,
        "max_bytes": by_level(COUNT),
        "runs": BOOLEAN,
        "device": _DEVICE,
        "ready": BOOLEAN,
        "missing": array(STRING),
        "install": nullable(STRING),
    }
)
TARGETS_SCHEMA = ok_document({"targets": array(_TARGET)})


def targets_document(targets: Iterable[Target]) -> Document:
    return {"schema": 1, "status": "ok", "targets": [_target(target) for target in targets]}


def _target(target: Target) -> Document:
    return {
        "name": target.name,
        "description": target.description,
        "unit": target.unit,
        "measures": target.measures,
        "check_modes": list(target.check_modes),
        "max_cores": target.max_cores,
        "max_bytes": dict(target.max_bytes),
        "runs": target.runs,
        "device": target.default_device.as_json(),
        "ready": not target.missing_tools,
        "missing": [tool.chosen for tool in target.missing_tools],
        "install": target.install_line,
    }


def _state(target: Document) -> str:
    if target["missing"]:
        return f"missing: {', '.join(target['missing'])}"
    return "ready" if target["runs"] else "compiles only"


def targets_text(document: Document) -> str:
    rows: list[list[Cell]] = [
        [
            target["name"],
            _state(target),
            target["unit"],
            target["measures"],
        ]
        for target in document["targets"]
    ]
    lines = [table(["target", "state", "counts", "measures"], rows)]
    lines += [f"{t['name']}: {t['install']}" for t in document["targets"] if t["install"]]
    return "\n".join(lines)
