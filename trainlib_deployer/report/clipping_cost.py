"""What clipping gradients costs in memory: an update that waits for them, or is made by itself."""

from __future__ import annotations

from dataclasses import replace

from trainlib_deployer.memory.fit import shortened
from trainlib_deployer.project import Project
from trainlib_deployer.report.schema import COUNT, NUMBER, Document, Schema, nullable, obj
from trainlib_deployer.spec.sizes import format_bytes

CLIPPING_SCHEMA: Schema = nullable(
    obj(
        {
            "by": {"enum": ["value", "norm"]},
            "limit": NUMBER,
            "kept_bytes": COUNT,
            "peak_bytes": COUNT,
            "peak_bytes_without": COUNT,
        }
    )
)


def clipping_document(project: Project) -> Document | None:
    """Bytes of gradients kept until the norm is known, and bytes alive at the peak with clipping
    and without: after the passes that cost no time, all levels together."""
    training = project.graph.training
    if training is None or training.clipping is None:
        return None
    graph = project.network
    assert graph.training
    plain = replace(graph, training=replace(graph.training, clipping=None))
    by_norm = training.clipping.by == "norm"
    return {
        "by": training.clipping.by,
        "limit": training.clipping.limit,
        "kept_bytes": sum(p.bytes for p in graph.learning) if by_norm else 0,
        "peak_bytes": shortened(graph).peak,
        "peak_bytes_without": shortened(plain).peak,
    }


def clipping_text(found: Document) -> str:
    title = f"clipping by {found['by']} {found['limit']:g}"
    kept = "keeps no gradient longer"
    if found["kept_bytes"]:
        kept = f"keeps all gradients until their norm is known, {format_bytes(found['kept_bytes'])}"
    peaks = (format_bytes(found[key]) for key in ("peak_bytes", "peak_bytes_without"))
    with_it, without = peaks
    return f"{title} {kept}; {with_it} alive at the peak, {without} without clipping"
