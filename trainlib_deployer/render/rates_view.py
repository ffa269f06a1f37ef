"""What the updates of one training step share: the learning rate, and what depends on the step."""

from __future__ import annotations

import textwrap
from typing import Any

from trainlib_deployer.ir.graph import Graph, Rule
from trainlib_deployer.project import Project
from trainlib_deployer.render.code_view import CodeView
from trainlib_deployer.render.names import c_number
from trainlib_deployer.schedules.base import rate_runs


def rates_view(project: Project, code: CodeView) -> dict[str, Any]:
    """The calls of tl/rates.h in net.c, and the tables of learning rates that they take."""
    schedule = project.graph.training.schedule if project.graph.training else None
    tables: dict[float, str] = {}
    calls = []
    for rule in _rules(project.graph):
        base = float(rule.optimizer.lr)
        lr = c_number(base)
        if schedule:
            number = str(len(tables) + 1) if tables else ""
            table = tables.setdefault(base, f"lr_runs{number}")
            lr = f"tl_scheduled_lr({table}, sizeof {table}, step)"
        calls.append(_call(rule, schedule is not None, lr, code))
    views = [{"id": name, "runs": _runs(project, base)} for base, name in tables.items()]
    return {"rates": calls, "rate_tables": views}


def _rules(graph: Graph) -> list[Rule]:
    """One for each rate."""
    training = graph.training
    rules = [training.rules[p.name] for p in graph.learning] if training else []
    return list({rule.rate: rule for rule in rules if rule.rate}.values())


def _call(rule: Rule, scheduled: bool, lr: str, code: CodeView) -> str:
    rate = rule.optimizer.rate(scheduled)
    assert rate and rule.rate
    arguments = [code.home(rule.rate), lr, "step", *map(c_number, rate.constants)]
    return f"{rate.function}({', '.join(arguments)})"


def _runs(project: Project, base: float) -> str:
    """A table's rows."""
    assert project.graph.training and project.graph.training.schedule
    steps, epoch = project.training_steps, project.steps_per_epoch
    runs = rate_runs(project.graph.training.schedule, base, steps, epoch)
    rows = [f"{{{start},~{c_number(lr)}}}" for start, lr in runs]
    lines = textwrap.wrap(", ".join(rows), 92, break_long_words=False, break_on_hyphens=False)
    return "\n    ".join(lines).replace("~", " ")
