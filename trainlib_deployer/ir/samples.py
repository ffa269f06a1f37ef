"""A part of a Step: the same kernel for some samples of the mini-batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainlib_deployer.ir.step import Access, Bound, LoopKind, Operand, Samples, Step
from trainlib_deployer.ir.tensor import Tensor


@dataclass(frozen=True)
class BatchLoop:
    """The loop that runs over the samples, `each` iterations for one of them, and the struct's
    member that says how many there are."""

    name: str
    member: str
    each: int


def batch_loop(step: Step, batch: int) -> BatchLoop | None:
    """None where a Step cannot be cut into Steps for some samples each."""
    if len(step.per_sample) != 1 or step.gradients or step.samples:
        return None
    ((member, each),) = step.per_sample.items()
    rule = step.tiling.fields.get(member)
    if rule is None or rule.constant or len(rule.terms) != 1:
        return None
    ((factor, bound),) = rule.terms
    if factor != 1 or bound.loop is None or bound != Bound(bound.loop):
        return None
    loop = next(item for item in step.loops if item.name == bound.loop)
    if not isinstance(each, int) or loop.extent != each * batch:
        return None
    if loop.kind is not LoopKind.PARALLEL and not step.tiling.continued:
        return None
    found = BatchLoop(loop.name, member, each)
    simple = all(_is_simple(operand, found, batch) for operand in step.operands)
    return found if simple else None


def _is_simple(operand: Operand, loop: BatchLoop, batch: int) -> bool:
    """Whether the samples' slices of an operand lie one behind the other, or it has none."""
    if operand.tensor is None or not _follows(operand, loop):
        return True
    first, *rest = operand.axes
    return (
        first.terms == ((loop.name, 1),)
        and (first.offset, first.divide) == (0, 1)
        and not any(loop.name in axis.loops for axis in rest)
        and operand.tensor.shape[0] % batch == 0
    )


def _follows(operand: Operand, loop: BatchLoop) -> bool:
    return any(loop.name in axis.loops for axis in operand.axes)


def largest_by_sample(step: Step, loop: BatchLoop) -> int:
    """The bytes of the largest operand that is cut with the samples."""
    return max(
        (o.tensor.root.bytes for o in step.operands if o.tensor and _follows(o, loop)), default=0
    )


def samples_step(step: Step, loop: BatchLoop, samples: Samples) -> Step:
    """`step` for some samples; what it sums over all, it adds to the sum of those before."""
    continued = samples.first > 0 and any(
        item.name == loop.name and item.kind is LoopKind.REDUCTION for item in step.loops
    )
    extent = loop.each * samples.count
    return replace(
        step,
        name=f"{step.name}[{samples.first}:{samples.last}]",
        fields={
            **step.fields,
            loop.member: extent,
            **(step.tiling.continued if continued else {}),
        },
        operands=tuple(_part(operand, loop, samples, continued) for operand in step.operands),
        loops=tuple(
            replace(item, extent=extent) if item.name == loop.name else item for item in step.loops
        ),
        macs=step.macs * samples.count // samples.whole,
        comment=f"{step.comment}, samples {samples.first} to {samples.last - 1}",
        first_pass={} if continued else step.first_pass,
        samples=samples,
    )


def _part(operand: Operand, loop: BatchLoop, samples: Samples, continued: bool) -> Operand:
    if operand.tensor is None:
        return operand
    if _follows(operand, loop):
        return replace(operand, tensor=_slice(operand.tensor, samples))
    if continued and operand.access is Access.WRITE:
        return replace(operand, access=Access.UPDATE)
    return operand


def _slice(tensor: Tensor, samples: Samples) -> Tensor:
    rows = tensor.shape[0] // samples.whole
    shape = (rows * samples.count, *tensor.shape[1:])
    offset = tensor.count // samples.whole * samples.first
    name = f"{tensor.name}[{samples.first}:{samples.last}]"
    return Tensor(name, tensor.kind, shape, tensor.dtype, tensor, offset)


def parts_of(batch: int, count: int) -> tuple[Samples, ...]:
    """At most `count` parts of a mini-batch, the last one perhaps smaller."""
    size = -(-batch // count)
    return tuple(Samples(k, min(k + size, batch), batch) for k in range(0, batch, size))
