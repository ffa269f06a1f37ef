"""Norms that learn nothing: which are folded into the layer before them, and why one is not."""

from __future__ import annotations

from trainlib_deployer.project import Project
from trainlib_deployer.report.schema import STRING, Document, Schema, array, nullable, obj

FOLDING_SCHEMA: Schema = array(
    obj({"norm": STRING, "into": nullable(STRING), "reason": nullable(STRING)})
)


def folding_document(project: Project) -> list[Document]:
    """`reason` is null where the norm is folded, `into` where it is not."""
    return [{"norm": fold.norm, "into": fold.into, "reason": fold.reason} for fold in project.folds]


def folding_text(found: list[Document]) -> str:
    """A line a norm."""
    return "\n".join(
        f"{item['norm']} is folded into {item['into']}"
        if item["into"]
        else f"{item['norm']} learns nothing but is not folded: {item['reason']}"
        for item in found
    )
