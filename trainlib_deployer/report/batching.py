"""A mini-batch at once or in passes: what each way needs, and which one the planner took."""

from __future__ import annotations

from trainlib_deployer.project import Project
from trainlib_deployer.report.schema import (
    BOOLEAN,
    COUNT,
    Document,
    Schema,
    array,
    nullable,
    obj,
)
from trainlib_deployer.report.text import Cell, table

BATCHING_SCHEMA: Schema = array(
    obj(
        {
            "pass_samples": COUNT,
            "passes": COUNT,
            "peak_bytes": COUNT,
            "fits": nullable(BOOLEAN),
            "cycles": nullable(COUNT),
            "chosen": BOOLEAN,
        }
    )
)


def batching_document(project: Project) -> list[Document]:
    """Empty for single samples. `fits` and `cycles` are null where more samples at once were faster
    already; cycles are predicted, of a whole training step."""
    return [
        {
            "pass_samples": item.samples,
            "passes": item.passes,
            "peak_bytes": item.peak_bytes,
            "fits": item.fits,
            "cycles": item.cycles,
            "chosen": item.is_chosen,
        }
        for item in project.batchings
    ]


def batching_text(found: list[Document]) -> str:
    rows: list[list[Cell]] = [
        [
            item["pass_samples"],
            item["passes"],
            item["peak_bytes"],
            item["cycles"],
            "chosen" if item["chosen"] else "does not fit" if item["fits"] is False else "",
        ]
        for item in found
    ]
    return table(
        ["samples a pass", "passes a step", "bytes at the peak", "cycles a step", ""], rows
    )
