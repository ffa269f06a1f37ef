"""What each pass saved at the peak."""

from __future__ import annotations

from trainlib_deployer.project import Project
from trainlib_deployer.report.schema import COUNT, STRING, Document, Schema, array, obj
from trainlib_deployer.report.text import Cell, table

SAVINGS_SCHEMA: Schema = array(
    obj(
        {
            "name": STRING,
            "bytes_before": COUNT,
            "bytes_after": COUNT,
            "bytes_saved": {"type": "integer"},
            "extra_macs": COUNT,
        }
    )
)


def savings_document(project: Project) -> list[Document]:
    """In the order in which the passes ran; bytes alive at the peak of all levels together."""
    return [
        {
            "name": saving.name,
            "bytes_before": saving.before,
            "bytes_after": saving.after,
            "bytes_saved": saving.bytes,
            "extra_macs": saving.extra_macs,
        }
        for saving in project.savings
    ]


def savings_text(savings: list[Document]) -> str:
    rows: list[list[Cell]] = [
        [item["name"], item["bytes_saved"], item["bytes_after"], item["extra_macs"] or None]
        for item in savings
    ]
    return table(["pass", "bytes saved", "peak after it", "extra MAC"], rows)
