"""RunLog, plan.json and golden.json → the document of `run --json` (design A2)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trainlib_deployer.errors import Diagnostic, RunFailedError
from trainlib_deployer.ir.tensor import whole_name
from trainlib_deployer.report.early_stopping import (
    EARLY_STOPPING_SCHEMA,
    early_stopping_document,
    near_ties,
)
from trainlib_deployer.report.run_failures import failures
from trainlib_deployer.report.schema import (
    BOOLEAN,
    COUNT,
    ERRORS,
    NUMBER,
    STRING,
    Document,
    Schema,
    array,
    by_level,
    error_entries,
    nullable,
    obj,
    ok_document,
)
from trainlib_deployer.targets.log import Evaluation, RunLog, StepCount, TensorCheck

_TENSOR: Schema = obj(
    {
        "name": STRING,
        "kind": {
            "enum": [
                "activation",
                "input_grad",
                "weight_grad",
                "clipped_grad",
                "weight",
                "buffer",
                "optimizer_state",
            ],
        },
        "step": nullable(COUNT),
        "error": nullable(NUMBER),
        "tolerance": nullable(NUMBER),
        "ok": nullable(BOOLEAN),
        "reason": nullable(STRING),
    }
)
_STEP_COUNT: Schema = obj(
    {"name": STRING, "layer": STRING, "phase": STRING, "kernel": STRING, "macs": COUNT,
     "count": COUNT, "kernels": COUNT, "predicted": nullable(COUNT)}
)  # fmt: skip
_EVALUATED: Schema = obj({"loss": nullable(NUMBER), "accuracy": nullable(NUMBER)})
RUN_SCHEMA: Schema = ok_document(
    {
        "target": STRING,
        "cores": COUNT,
        "steps": COUNT,
        "loss": array(nullable(NUMBER)),
        "golden_loss": array(NUMBER),
        "accuracy": nullable(obj({"device": NUMBER, "golden": NUMBER})),
        "evaluations": array(
            obj({"step": COUNT, "data": {"enum": ["validation", "test"]},
                 "device": _EVALUATED, "golden": _EVALUATED})
        ),
        "early_stopping": nullable(EARLY_STOPPING_SCHEMA),
        "tensors": array(_TENSOR),
        "profile": nullable(
            obj({"unit": {"enum": ["cycles", "instructions", "ns"]}, "total": COUNT,
                 "steps": array(_STEP_COUNT)})
        ),
        "memory": by_level(obj({"capacity": COUNT, "used": COUNT, "lower_bound": COUNT})),
        "stack": array(obj({"core": COUNT, "peak": COUNT, "size": COUNT})),
        "notes": array(STRING),
        "errors": ERRORS,
    },
    status={"enum": ["ok", "mismatch"]},
)  # fmt: skip


@dataclass(frozen=True)
class RunReport:
    """A run that came to its end: the document, and what differs (nothing: it agrees)."""

    network: str
    document: Document
    failures: tuple[Diagnostic, ...]


def run_report(log: RunLog, plan: Mapping[str, Any], golden: Mapping[str, Any]) -> RunReport:
    """Join what the program printed with what was planned and expected.

    Raises RunFailedError when the program left out something that it should have checked.
    """
    _require_complete(log, plan, golden)
    found = failures(log, golden)
    accuracy = log.accuracy
    evaluations = [_evaluation(item, golden) for item in log.evaluations]
    document = {
        "schema": 1,
        "status": "mismatch" if found else "ok",
        "target": log.target or plan["target"],
        "cores": log.cores if log.cores is not None else plan["cores"],
        "steps": len(log.losses),
        "loss": [_number(loss) for loss in log.losses],
        "golden_loss": golden["loss"],
        "accuracy": {
            "device": accuracy.correct / accuracy.samples,
            "golden": accuracy.golden / accuracy.samples,
        }
        if accuracy and accuracy.samples
        else None,
        "evaluations": evaluations,
        "early_stopping": early_stopping_document(log, plan, evaluations),
        "tensors": [*_tensors(log.tensors), *map(_absent, plan["absent"])],
        "profile": _profile(log, plan),
        "memory": {
            level: {key: use[key] for key in ("capacity", "used", "lower_bound")}
            for level, use in plan["memory"].items()
            if use["capacity"]
        },
        "stack": [
            {"core": item.core, "peak": item.peak_bytes, "size": item.size_bytes}
            for item in log.stacks
        ],
        "notes": [*golden.get("notes", []), *near_ties(log)],
        "errors": error_entries(found),
    }
    return RunReport(plan["network"], document, found)


def _require_complete(log: RunLog, plan: Mapping[str, Any], golden: Mapping[str, Any]) -> None:
    """A check that did not happen must not pass for one that succeeded."""
    steps = len(golden["checked_steps"])
    seen = {(check.kind, check.name, check.step) for check in log.tensors}
    times = Counter(key[:2] for key in seen)
    for check in plan["checks"]:
        compared = times[check["kind"], check["name"]]
        if compared != steps:
            raise RunFailedError(
                f"the run is incomplete: {check['kind']} {check['name']} was compared"
                f" {compared} times, not {steps}."
            )
    if log.not_finite:
        return  # the training ended there
    if len(log.losses) != golden["steps"]:
        raise RunFailedError(
            f"the run is incomplete: {len(log.losses)} of {golden['steps']} losses printed."
        )
    expected = len(golden.get("evaluations", []))
    if len(log.evaluations) != expected:
        raise RunFailedError(
            f"the run is incomplete: {len(log.evaluations)} of {expected} evaluations printed."
        )
    if plan.get("early_stopping") and len(log.decisions) != expected:
        raise RunFailedError(
            f"the run is incomplete: {len(log.decisions)} of {expected} decisions printed."
        )
    if golden.get("accuracy") is not None and log.accuracy is None:
        raise RunFailedError("the run is incomplete: it printed no accuracy.")
    if log.accuracy and log.accuracy.ok is None and golden["accuracy_compared"]:
        raise RunFailedError("the run is incomplete: its accuracy was not judged.")


def _evaluation(item: Evaluation, golden: Mapping[str, Any]) -> Document:
    """`accuracy` is null where the loss has no classes."""

    def of(loss: float, correct: int) -> Document:
        accuracy = correct / item.samples if golden["classes"] else None
        return {"loss": _number(loss), "accuracy": accuracy}

    return {
        "step": item.step,
        "data": golden["evaluated"],
        "device": of(item.loss, item.correct),
        "golden": of(item.golden_loss, item.golden_correct),
    }


def _tensors(checks: Iterable[TensorCheck]) -> Iterator[Document]:
    """One entry a tensor and training step: the worst of its slices and makings."""
    worst: dict[tuple[str, str, int], TensorCheck] = {}
    for check in checks:
        key = (whole_name(check.name), check.kind, check.step)
        old = worst.get(key)
        # a NaN is worst, and stays
        if old is None or (old.error == old.error and not check.error <= old.error):
            worst[key] = check
    for (name, kind, step), check in worst.items():
        yield {
            "name": name,
            "kind": kind,
            "step": step,
            "error": _number(check.error),
            "tolerance": _number(check.tolerance),
            "ok": check.ok,
            "reason": None,
        }


def _absent(item: Mapping[str, str]) -> Document:
    blank = {"step": None, "error": None, "tolerance": None, "ok": None}
    return {"name": item["name"], "kind": item["kind"], **blank, "reason": item["reason"]}


def _profile(log: RunLog, plan: Mapping[str, Any]) -> Document | None:
    """None where nothing was trained: the counts are those of the last training step, all passes
    of it together."""
    if not log.profile:
        return None
    steps = {step["name"]: step for step in plan["steps"]}
    unknown = [item.name for item in log.profile if item.name not in steps]
    if unknown:
        raise RunFailedError(f"the run names a step that plan.json does not: {unknown[0]}.")
    times: dict[str, list[StepCount]] = {}
    for item in log.profile:
        times.setdefault(item.name, []).append(item)
    unit = log.profile[0].unit
    return {
        "unit": unit,
        "total": sum(item.count for item in log.profile),
        "steps": [
            {
                **{key: steps[name][key] for key in ("name", "layer", "phase", "kernel")},
                "macs": len(items) * steps[name]["macs"],
                "count": sum(item.count for item in items),
                "kernels": sum(
                    item.count if item.kernels is None else item.kernels for item in items
                ),
                "predicted": len(items) * steps[name]["cycles"] if unit == "cycles" else None,
            }
            for name, items in times.items()
        ],
    }


def _number(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if math.isfinite(value) else None
