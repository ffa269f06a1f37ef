"""The report of a run for a person."""

from __future__ import annotations

from typing import Any

from trainlib_deployer.report.early_stopping import early_stopping_text
from trainlib_deployer.report.run_report import RunReport
from trainlib_deployer.report.schema import Document
from trainlib_deployer.report.text import Cell, plural, table

_TOP_STEPS = 10
_SHOWN_EVALUATIONS = 10


def run_text(report: RunReport) -> str:
    """Loss, accuracy, the worst tensor, memory, and where the time goes."""
    document = report.document
    verdict = "agrees with" if document["status"] == "ok" else "DIFFERS from"
    where = f"{document['target']}, {plural(document['cores'], 'core')}"
    facts = [
        ("loss", _loss(document)),
        ("accuracy", _accuracy(document)),
        *((item["data"], _evaluation(item)) for item in _some(document["evaluations"])),
        ("stopping", early_stopping_text(document)),
        ("tensors", _tensors(document)),
        ("memory", _memory(document)),
        ("stack", _stack(document)),
        *(("note", note) for note in document["notes"]),
        *(("differs", error["message"]) for error in document["errors"]),
    ]
    lines = [f"{report.network} on {where}: {verdict} PyTorch"]
    lines += [f"  {name:<10} {text}" for name, text in facts if text]
    return "\n".join([*lines, *_profile(document["profile"])])


def _loss(document: Document) -> str | None:
    loss, golden = document["loss"], document["golden_loss"]
    if not loss:
        return None
    steps = plural(document["steps"], "training step")
    ends = f"{_value(loss[0])} -> {_value(loss[-1])}"
    return f"{ends} in {steps} (PyTorch {_value(golden[0])} -> {_value(golden[-1])})"


def _value(loss: float | None) -> str:
    return "not finite" if loss is None else f"{loss:.4f}"


def _accuracy(document: Document) -> str | None:
    accuracy = document["accuracy"]
    if accuracy is None:
        return None
    return f"{accuracy['device']:.1%} on the test data (PyTorch {accuracy['golden']:.1%})"


def _some(evaluations: list[Document]) -> list[Document]:
    """About ten of them, the last one among these."""
    every = -(-len(evaluations) // _SHOWN_EVALUATIONS) or 1
    return evaluations[::-1][::every][::-1]


def _evaluation(item: Document) -> str:
    device, golden = item["device"], item["golden"]
    text = f"after step {item['step']}: loss {_value(device['loss'])}"
    text += "" if device["accuracy"] is None else f", accuracy {device['accuracy']:.1%}"
    peer = _value(golden["loss"])
    peer += "" if golden["accuracy"] is None else f", {golden['accuracy']:.1%}"
    return f"{text} (PyTorch {peer})"


def _tensors(document: Document) -> str:
    compared = [tensor for tensor in document["tensors"] if tensor["ok"] is not None]
    absent = len(document["tensors"]) - len(compared)
    text = f"{len(compared)} compared"
    if compared:
        worst = max(compared, key=_share)
        text += f", the worst error is {_percent(worst)} of its tolerance"
        text += f" ({worst['kind']} {worst['name']}, training step {worst['step']})"
    return text + (f"; {absent} never materialised" if absent else "")


def _share(tensor: dict[str, Any]) -> float:
    if tensor["error"] is None or tensor["tolerance"] is None:
        return float("inf")
    if tensor["tolerance"] > 0:
        return float(tensor["error"] / tensor["tolerance"])
    return 0.0 if tensor["error"] == 0 else float("inf")


def _percent(tensor: dict[str, Any]) -> str:
    share = _share(tensor)
    return "out of scale" if share == float("inf") else f"{share:.2%}"


def _memory(document: Document) -> str:
    return "; ".join(
        f"{level.upper()} {use['used']:,} of {use['capacity']:,} bytes"
        f" (lower bound {use['lower_bound']:,})"
        for level, use in document["memory"].items()
    )


def _stack(document: Document) -> str | None:
    """The fullest one."""
    if not document["stack"]:
        return None
    fullest = max(document["stack"], key=lambda stack: stack["peak"])
    return f"at most {fullest['peak']:,} of {fullest['size']:,} bytes (core {fullest['core']})"


def _profile(profile: dict[str, Any] | None) -> list[str]:
    if profile is None:
        return []
    steps, unit, total = profile["steps"], profile["unit"], profile["total"]
    predicted = any(step["predicted"] is not None for step in steps)
    top = sorted(steps, key=lambda step: -step["count"])[:_TOP_STEPS]
    rows: list[list[Cell]] = [
        [
            step["name"],
            step["kernel"],
            step["macs"],
            step["count"],
            f"{step['count'] / total:6.1%}" if total else None,
            step["macs"] / step["count"] if step["macs"] and step["count"] else None,
            *([step["predicted"]] if predicted else []),
        ]
        for step in top
    ]
    macs = sum(step["macs"] for step in steps)
    head = ["step", "kernel", "MAC", unit, "share", f"MAC/{_one(unit)}"]
    shown = f", the {len(top)} longest of {len(steps)} Steps" if len(top) < len(steps) else ""
    return [
        "",
        f"the last training step: {macs:,} MAC, {total:,} {unit}{shown}",
        table([*head, *(["predicted"] if predicted else [])], rows),
    ]


def _one(unit: str) -> str:
    return {"cycles": "cycle", "instructions": "instruction"}.get(unit, unit)
