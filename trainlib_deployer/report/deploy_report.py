"""What was written by a deploy, and what a check found to fit."""

from __future__ import annotations

from pathlib import Path

from trainlib_deployer.project import Project
from trainlib_deployer.report.batching import BATCHING_SCHEMA, batching_document, batching_text
from trainlib_deployer.report.clipping_cost import CLIPPING_SCHEMA, clipping_document, clipping_text
from trainlib_deployer.report.folding import FOLDING_SCHEMA, folding_document, folding_text
from trainlib_deployer.report.memory_levels import LEVELS_SCHEMA, levels_document, levels_text
from trainlib_deployer.report.optimizer_cost import (
    OPTIMIZER_SCHEMA,
    optimizer_document,
    optimizer_text,
)
from trainlib_deployer.report.savings import SAVINGS_SCHEMA, savings_document, savings_text
from trainlib_deployer.report.schema import BOOLEAN, COUNT, LEVEL, STRING, Document, ok_document
from trainlib_deployer.report.text import plural
from trainlib_deployer.targets import TARGETS

_NETWORK_SCHEMA = {
    "network": STRING,
    "target": STRING,
    "cores": COUNT,
    "layers": COUNT,
    "parameters": COUNT,
    "steps": COUNT,
    "macs": COUNT,
    "training_steps": COUNT,
    "home": LEVEL,
    "memory": LEVELS_SCHEMA,
    "passes": SAVINGS_SCHEMA,
    "folding": FOLDING_SCHEMA,
    "optimizer": OPTIMIZER_SCHEMA,
    "clipping": CLIPPING_SCHEMA,
    "batching": BATCHING_SCHEMA,
}
DEPLOY_SCHEMA = ok_document({"folder": STRING, "golden": BOOLEAN, **_NETWORK_SCHEMA})
CHECK_SCHEMA = ok_document({"fits": {"const": True}, **_NETWORK_SCHEMA})


def deploy_document(project: Project, folder: Path, *, golden: bool) -> Document:
    """`steps` are the Steps of one training step, `training_steps` how many of those follow."""
    head = {"schema": 1, "status": "ok", "folder": str(folder), "golden": golden}
    return {**head, **_network(project)}


def check_document(project: Project) -> Document:
    """A check that does not fit ends in an error: here everything does."""
    return {"schema": 1, "status": "ok", "fits": True, **_network(project)}


def _network(project: Project) -> Document:
    return {
        "network": project.graph.name,
        "target": project.device.target,
        "cores": project.device.cores,
        "layers": len(project.network.nodes),
        "parameters": sum(p.count for p in project.network.parameters),
        "steps": len(project.schedule.steps),
        "macs": project.macs,
        "training_steps": project.training_steps,
        "home": project.memory.home,
        "memory": levels_document(project),
        "passes": savings_document(project),
        "folding": folding_document(project),
        "optimizer": optimizer_document(project.graph),
        "clipping": clipping_document(project),
        "batching": batching_document(project),
    }


def deploy_text(document: Document) -> str:
    folder = document["folder"]
    target = TARGETS[document["target"]]
    follow = f"run it:  trainlib-deploy run {folder}"
    if not target.runs:
        follow = f"use it:  {folder}/target/{target.name}/README.md"
    elif not document["golden"]:
        follow += "   (makes the golden values first: needs torch)"
    return f"{_network_text(document)}\nwritten to {folder}\n{follow}"


def check_text(document: Document) -> str:
    home = document["home"].upper()
    how = "everything lives in L1" if home == "L1" else f"tensors live in L1 to {home}"
    parts = [f"{_network_text(document)}\nit fits: {how}", savings_text(document["passes"])]
    if document["folding"]:
        parts.append(folding_text(document["folding"]))
    if document["batching"]:
        parts.append(batching_text(document["batching"]))
    if document["optimizer"]:
        parts.append(optimizer_text(document["optimizer"]))
    if document["clipping"]:
        parts.append(clipping_text(document["clipping"]))
    return "\n\n".join(parts)


def _network_text(document: Document) -> str:
    counts = ", ".join(
        plural(document[key], word)
        for key, word in (
            ("layers", "layer"), ("parameters", "parameter"), ("steps", "Step"), ("macs", "MAC"),
        )
    )  # fmt: skip
    where = f"{document['target']} with {plural(document['cores'], 'core')}"
    counts = counts.replace("MACs", "MAC")
    title = f"{document['network']} for {where}: {counts} a training step"
    return f"{title}\n{levels_text(document['memory'])}"
