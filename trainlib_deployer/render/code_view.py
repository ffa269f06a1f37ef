"""Program → the words of net.c: every number is decided here, none in a template."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from trainlib_deployer.ir.graph import Graph
from trainlib_deployer.ir.step import Phase, Rated, Step
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.lowering.program import (
    Before,
    Call,
    FarMove,
    Moves,
    Program,
    StepCode,
    Sync,
    Transfer,
)
from trainlib_deployer.memory.plan import LEVELS, Allocation, MemoryPlan
from trainlib_deployer.render.names import Names, c_number
from trainlib_deployer.render.tile_view import TilesView, tiles_view

_PHASES = {
    Phase.FW: "forward",
    Phase.IG: "input gradient",
    Phase.WG: "weight gradient",
    Phase.UPDATE: "update",
}
_LINE = "\n        "  # of arguments
_SYNC = {Sync.NONE: "", Sync.WAIT: "wait_transfers()", Sync.BARRIER: "sync()"}


@dataclass(frozen=True)
class StepView:
    """One Step in net.c."""

    name: str
    id: str
    enum: str
    op: str
    fields: str
    comment: str
    opening: tuple[str, ...]
    coming: tuple[str, ...]
    body: tuple[str, ...]
    leaving: tuple[str, ...]
    tiles: TilesView | None
    plain: str
    per_sample: tuple[str, ...]
    plain_per_sample: tuple[str, ...]
    predicting: tuple[str, ...]
    first_pass: tuple[str, ...]
    makes_loss: bool
    rated: tuple[str, ...]

    @property
    def is_constant(self) -> bool:
        """Whether nothing in its struct changes while the program runs."""
        return not (self.per_sample or self.predicting or self.first_pass or self.rated)

    @property
    def has_struct(self) -> bool:
        """Whether net.c keeps its struct: else the call has it, made of constants, as reading
        each member from far away takes longer than writing it to the stack."""
        return not self.is_constant or self.tiles is not None

    @property
    def is_function(self) -> bool:
        """Whether it has one of its own: to run twice, or for the stack that its struct takes."""
        return bool(self.plain) or not self.has_struct


@dataclass(frozen=True)
class BufferView:
    """One typed pointer of net.c."""

    id: str
    c_type: str
    address: str
    comment: str


def _sync(before: Before) -> Iterator[str]:
    if before.newer is not None:
        yield f"wait_far({before.newer})"
    if before.sync is not Sync.NONE:
        yield _SYNC[before.sync]


class CodeView:
    """Collects the pointers that the code uses while it words the Steps."""

    def __init__(self, graph: Graph, program: Program, memory: MemoryPlan) -> None:
        self._memory = memory
        self._graph = graph
        self.names = Names()
        self._pointers: dict[str, BufferView] = {}
        for tensor in _interface_tensors(graph):
            self.home(tensor)
        steps = tuple(self._step(code) for code in program.code)
        self.has_far = any(code.coming or code.leaving for code in program.code)
        self.has_parts = any(code.step.samples for code in program.code)
        self.forward, self.backward, self.update = (
            self._part(steps[first:last], is_forward=first == 0) for first, last in program.parts
        )

    def _part(self, steps: tuple[StepView, ...], *, is_forward: bool) -> tuple[StepView, ...]:
        """All of L3 is as it will be when a pass of a training step, or the step, is over."""
        if is_forward or not self.has_far or not steps:
            return steps
        last = steps[-1]
        return (*steps[:-1], replace(last, leaving=(*last.leaving, "wait_far(0)")))

    @property
    def buffers(self) -> tuple[BufferView, ...]:
        return tuple(self._pointers.values())

    @property
    def steps(self) -> tuple[StepView, ...]:
        return self.forward + self.backward + self.update

    @property
    def tiled_ops(self) -> tuple[str, ...]:
        """Whose structs the tiles of Steps change."""
        return tuple(sorted({step.op for step in self.steps if step.tiles}))

    @property
    def step_enum(self) -> str:
        names = ", ".join(step.enum for step in self.steps)
        return "\n" + textwrap.indent(textwrap.fill(names, 92), "    ") + "\n"

    def home(self, tensor: Tensor) -> str:
        """The identifier of a tensor where it lives between Steps."""
        place = self._memory.homes[tensor.root.name].part(tensor)
        shared = f", shares the memory of {tensor.root.name}" if tensor.view_of else ""
        return self._pointer(self.names.tensor(tensor), tensor, place, shared)

    def after(self, step: str, tensor: Tensor) -> str:
        """Where a tensor is when a Step has made it: what lives in L3 may still be in L2."""
        place = self._memory.copies.get((LEVELS[1], step, tensor.root.name))
        return self._local(tensor, place.part(tensor)) if place else self.home(tensor)

    def _local(self, tensor: Tensor, place: Allocation) -> str:
        if place.step is None:
            return self.home(tensor)
        name = self.names.local(place.step, place.level, tensor)
        what = "copy" if place.slot is None else "tiles"
        until = f" to {place.others[-1]}" if place.others else ""
        return self._pointer(name, tensor, place, f", {what} for {place.step}{until}")

    def _pointer(self, name: str, tensor: Tensor, place: Allocation, note: str) -> str:
        shape = "x".join(map(str, tensor.shape))
        self._pointers.setdefault(
            name,
            BufferView(
                name,
                tensor.dtype.c_name,
                f"{place.level.upper()}({place.offset})",
                f"{tensor.name} {shape}{note}",
            ),
        )
        return name

    def _step(self, code: StepCode) -> StepView:
        view = self._view(code)
        coming = tuple(line for move in code.coming for line in self._far(move))
        body = (
            *(line for moves in code.fetches for line in self._moves(moves)),
            *_sync(code.before_call),
            view.tiles.run if view.tiles else self._call(view, code.call),
            *(line for moves in code.stores for line in self._moves(moves)),
        )
        # what the Step waits for at its start is not its own time, but for what comes from L3
        first = (coming or body)[:1]
        opening = first if first[0] in _SYNC.values() else ()
        return replace(
            view,
            opening=opening,
            coming=coming[len(opening) :],
            body=body if coming else body[len(opening) :],
            leaving=tuple(line for move in code.leaving for line in self._far(move)),
        )

    def _view(self, code: StepCode) -> StepView:
        """All but what it does."""
        step = code.step
        name = self.names.step(step.name)
        tiles = None
        if code.tiles:
            tiles = tiles_view(code, name, _struct(name, bool(step.plain)), self._local)
        return StepView(
            name=step.name,
            id=name,
            enum=f"STEP_{name.upper()}",
            op=step.op,
            fields=_fields(step.fields),
            comment=_comment(step),
            opening=(),
            coming=(),
            body=(),
            leaving=(),
            tiles=tiles,
            plain=_fields({**step.fields, **step.plain}) if step.plain else "",
            per_sample=_per_sample(name, step, self._graph),
            plain_per_sample=(
                _per_sample(f"{name}_gradient", step, self._graph) if step.plain else ()
            ),
            predicting=_choices(name, step, "predicting", step.predicting),
            first_pass=_choices(name, step, "first", step.first_pass),
            makes_loss=any(tensor.kind is Kind.LOSS for tensor in step.writes),
            rated=tuple(
                f"{name}.{member} = {_linear(number, self.home(number.rate))}"
                for member, number in step.rated.items()
            ),
        )

    def _moves(self, moves: Moves) -> Iterator[str]:
        yield from _sync(moves.before)
        for transfer in moves.transfers:
            yield f"transfer({self._ends(transfer)})"

    def _far(self, move: FarMove) -> Iterator[str]:
        yield from _sync(move.before)
        yield f"far_transfer({self._ends(move.transfer)})"

    def _ends(self, transfer: Transfer) -> str:
        places = (transfer.source, transfer.destination)
        source, to = (self._local(transfer.tensor, place) for place in places)
        return f"{to}, {source}, {transfer.bytes}"

    def _call(self, view: StepView, call: Call) -> str:
        arguments = []
        for operand, place in zip(call.step.operands, call.operands, strict=True):
            if operand.tensor is None or place is None:
                arguments.append("0")
            else:
                arguments.append(self._local(operand.tensor, place))
        between = ", " if view.has_struct else f",{_LINE}"
        return f"{call.kernel.function}({_shape(view)}{between}{', '.join(arguments)})"


def _shape(view: StepView) -> str:
    """What a call is told of its shape: the struct of the Step, or one made there."""
    if view.has_struct:
        return _struct(view.id, bool(view.plain))
    own = _literal(view.op, view.fields)
    if not view.plain:
        return _LINE + own
    gradient = _literal(view.op, view.plain)
    choice = ("probing /* to see the gradient by itself */", f"? {gradient}", f": {own}")
    return "".join(_LINE + part for part in choice)


def _literal(op: str, fields: str) -> str:
    return f"&(const tl_{op}){{\n{textwrap.indent(fields, ' ' * 12)}}}"


def _struct(name: str, has_plain: bool) -> str:
    """The struct in net.c, or the choice between that and the one for the gradient alone."""
    return f"probing ? &{name}_gradient : &{name}" if has_plain else f"&{name}"


def _interface_tensors(graph: Graph) -> tuple[Tensor, ...]:
    learning = (graph.training.loss_tensor, graph.training.target) if graph.training else ()
    return (*graph.persistent, *graph.rates, graph.input, graph.output, *learning)


def _fields(fields: Mapping[str, int | float]) -> str:
    members = ", ".join(f".{name}\xa0=\xa0{c_number(value)}" for name, value in fields.items())
    return textwrap.fill(members, 84).replace("\xa0", " ")


def _per_sample(name: str, step: Step, graph: Graph) -> tuple[str, ...]:
    """The assignments that fit the Step's struct to n samples, of a training step of `total`."""
    whole = "total" if graph.passes > 1 else "n"
    part = step.samples
    count = f"part_of(n, {part.first}, {part.count})" if part else "n"
    of_pass = _products(name, step.per_sample, count) if graph.batch_size > 1 else ()
    return (*of_pass, *(_products(name, step.per_step, whole) if graph.step_samples > 1 else ()))


def _products(name: str, each: Mapping[str, int | float], count: str) -> tuple[str, ...]:
    return tuple(
        f"{name}.{member} = {c_number(one)} * {'(float)' if isinstance(one, float) else ''}{count}"
        for member, one in each.items()
    )


def _choices(name: str, step: Step, condition: str, values: Mapping[str, int]) -> tuple[str, ...]:
    """The assignments of members that have other values where the condition holds."""
    return tuple(
        f"{name}.{member} = {condition} ? {c_number(value)} : {c_number(step.fields[member])}"
        for member, value in values.items()
    )


def _linear(number: Rated, rate: str) -> str:
    if (number.constant, number.factor) == (0.0, -1.0):
        return f"-{rate}[0]"
    sign = "-" if number.factor < 0 else "+"
    return f"{c_number(number.constant)} {sign} {c_number(abs(number.factor))} * {rate}[0]"


def _comment(step: Step) -> str:
    subject = step.name.removesuffix(f".{step.phase.value}")
    words = f"{subject} {_PHASES[step.phase]}: {step.op}, {step.comment}"
    return f"{words}; {step.macs} MAC" if step.macs else words
