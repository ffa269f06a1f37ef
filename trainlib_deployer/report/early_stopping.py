"""What early stopping did in a run: where the best evaluation was, and why training ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainlib_deployer.report.schema import BOOLEAN, COUNT, NUMBER, Document, Schema, nullable, obj
from trainlib_deployer.targets.log import RunLog

EARLY_STOPPING_SCHEMA: Schema = obj(
    {
        "monitor": {"enum": ["loss", "accuracy"]},
        "patience": COUNT,
        "stopped": BOOLEAN,
        "planned_steps": COUNT,
        "best": nullable(
            obj({"step": COUNT, "device": nullable(NUMBER), "golden": nullable(NUMBER)})
        ),
        "restored": BOOLEAN,
    }
)


def early_stopping_document(
    log: RunLog, plan: Mapping[str, Any], evaluations: Sequence[Document]
) -> Document | None:
    """`stopped`: before the planned steps were done; `best` is null without a finite evaluation."""
    settings = plan.get("early_stopping")
    if settings is None:
        return None
    monitor = settings["monitor"]
    improved = [item.step for item in log.decisions if item.golden == "improves"]
    best = [item for item in evaluations if item["step"] in improved[-1:]]
    return {
        "monitor": monitor,
        "patience": settings["patience"],
        "stopped": any(item.golden == "stops" for item in log.decisions),
        "planned_steps": plan["training_steps"],
        "best": {
            "step": best[0]["step"],
            "device": best[0]["device"][monitor],
            "golden": best[0]["golden"][monitor],
        }
        if best
        else None,
        "restored": log.restored is not None,
    }


def early_stopping_text(document: Document) -> str | None:
    """One line: why training ended, and what is kept."""
    found, steps = document["early_stopping"], document["steps"]
    if found is None:
        return None
    monitor, best = found["monitor"], found["best"]
    tried = f"{found['patience']} evaluations" if found["patience"] > 1 else "an evaluation"
    text = f"ended after step {steps} of {found['planned_steps']}"
    if found["stopped"]:
        text += f", as {tried} did not improve the {monitor}"
    if best is None:
        return f"{text}, without a finite evaluation"
    values = (_value(monitor, best[who]) for who in ("device", "golden"))
    text += "; best after step {}: {} (PyTorch {})".format(best["step"], *values)
    return text + (", restored" if found["restored"] else "")


def _value(monitor: str, value: float | None) -> str:
    if value is None:
        return "not finite"
    return f"{value:.4f}" if monitor == "loss" else f"{value:.1%}"


def near_ties(log: RunLog) -> Iterator[str]:
    """Where the device alone would have decided otherwise."""
    for item in log.decisions:
        if item.is_tie:
            yield (
                f"early stopping after step {item.step}: whether it improves is nearly a tie;"
                f" PyTorch's decision is followed (it {item.golden})"
            )
