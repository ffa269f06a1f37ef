"""What the optimizer keeps between training steps, and what the others would."""

from __future__ import annotations

from trainlib_deployer.ir.dtype import DType
from trainlib_deployer.ir.graph import Graph
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.base import Optimizer
from trainlib_deployer.report.schema import COUNT, STRING, Document, Schema, array, nullable, obj
from trainlib_deployer.report.text import Cell, table

_COST: Schema = obj({"type": STRING, "state": array(STRING), "bytes": COUNT})
OPTIMIZER_SCHEMA: Schema = nullable(
    obj({"type": STRING, "state": array(STRING), "bytes": COUNT, "others": array(_COST)})
)


def optimizer_document(graph: Graph) -> Document | None:
    """The chosen one's bytes, and for comparison those of every type with its default options; each
    with the number of training steps, where it needs that."""
    if graph.training is None:
        return None
    chosen = graph.training.optimizer
    counter = graph.training.counter
    kept = sum(tensor.bytes for tensor in graph.optimizer_state) + (counter.bytes if counter else 0)
    scheduled = graph.training.schedule is not None
    learning = sum(tensor.bytes for tensor in graph.learning)
    others = [
        cls() for name in OPTIMIZERS if name != chosen.type_name for cls in (OPTIMIZERS[name],)
    ]
    return {
        "type": chosen.type_name,
        "state": list(chosen.state),
        "bytes": kept,
        "others": [_cost(other, learning, scheduled) for other in others],
    }


def _cost(optimizer: Optimizer, learning: int, scheduled: bool) -> Document:
    found = {"type": optimizer.type_name, "state": list(optimizer.state)}
    counter = DType.I32.bytes if optimizer.rate(scheduled) else 0
    return {**found, "bytes": learning * len(optimizer.state) + counter}


def optimizer_text(found: Document) -> str:
    """A row for the chosen optimizer, and one for each other type."""
    rows: list[list[Cell]] = [[found["type"], found["bytes"], ", ".join(found["state"]), "chosen"]]
    rows += [[o["type"], o["bytes"], ", ".join(o["state"]), ""] for o in found["others"]]
    return table(["optimizer", "bytes of state", "for each parameter", ""], rows)
