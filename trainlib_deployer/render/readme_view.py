"""The words of a generated project's README."""

from __future__ import annotations

from typing import Any

from trainlib_deployer.project import Project
from trainlib_deployer.spec.sizes import format_bytes

_HOMES = {
    "l1": "Everything lives in L1.",
    "l2": "What is used most lives in L1, the rest in L2; Steps work on copies in L1.",
    "l3": "What is used most lives in L1, then in L2, the rest in L3; Steps work on copies in L1.",
}


def readme_view(project: Project) -> dict[str, Any]:
    """Tables of the network and of its memory."""
    memory, schedule = project.memory, project.schedule
    return {
        "layers": [
            {
                "name": node.name,
                "type": node.layer.type_name,
                "output": "x".join(map(str, node.output.shape[1:])),
                "parameters": sum(p.count for p in node.parameters.values()),
                "learns": "yes" if node.learns else "",
            }
            for node in project.network.nodes
        ],
        "levels": [
            {
                "name": use.level.upper(),
                "used": format_bytes(use.used),
                "capacity": format_bytes(use.capacity),
                "bound": format_bytes(use.lower_bound),
            }
            for use in memory.levels.values()
            if use.capacity
        ],
        "buffers": [
            {
                "name": a.name,
                "kind": a.kind,
                "place": f"{a.level.upper()} + {a.offset}",
                "bytes": a.bytes,
                "life": f"{schedule.steps[a.first].name} to {schedule.steps[a.last - 1].name}",
            }
            for a in memory.allocations
            if a.step is None
        ],
        "homes": _HOMES[memory.home],
        "passes": [
            {
                "name": saving.name,
                "saved": saving.bytes,
                "after": saving.after,
                "extra_macs": saving.extra_macs or "",
            }
            for saving in project.savings
        ],
        "folds": [(fold.norm, fold.into) for fold in project.folds if fold.into],
        "macs": project.macs,
        "steps": len(schedule.steps),
        "training_steps": project.training_steps,
        "synthetic": project.spec.data.train is None,
        "samples": project.samples,
    }
