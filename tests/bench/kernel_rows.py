"""What `bench_kernels` measures: layers with shapes, and what their kernels shall reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from trainlib_deployer.ir.dtype import DType
from trainlib_deployer.ir.graph import Node
from trainlib_deployer.ir.step import Access, Operand, Phase, Step
from trainlib_deployer.ir.tensor import Kind, Shape, Tensor
from trainlib_deployer.layers.adaptive_avg_pool2d import AdaptiveAvgPool2d
from trainlib_deployer.layers.add import Add
from trainlib_deployer.layers.avg_pool2d import AvgPool2d
from trainlib_deployer.layers.base import Gradients, Layer
from trainlib_deployer.layers.batch_norm2d import BatchNorm2d
from trainlib_deployer.layers.conv2d import Conv2d
from trainlib_deployer.layers.geometry import Padding, Pair
from trainlib_deployer.layers.group_norm import GroupNorm
from trainlib_deployer.layers.layer_norm import LayerNorm
from trainlib_deployer.layers.leaky_relu import LeakyRelu
from trainlib_deployer.layers.linear import Linear
from trainlib_deployer.layers.max_pool2d import MaxPool2d
from trainlib_deployer.layers.relu import Relu
from trainlib_deployer.losses.base import Loss
from trainlib_deployer.losses.cross_entropy import CrossEntropy
from trainlib_deployer.losses.mse import Mse
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.base import Optimizer
from trainlib_deployer.optimizers.sgd import Sgd
from trainlib_deployer.training.clipping import Clipping, Gradient, clipped

FUSED = {"accumulate": 1, "scale": -0.01}  # wg on the weights: an SGD update


@dataclass(frozen=True)
class Row:
    """Steps of one layer. `goals` and `peer` are MAC/cycle by phase, on 8 cores of PULP-open.

    `parts`: the rows of the output are computed in so many calls, where not all fits L1 at once;
    counts are sums.
    """

    name: str
    all_steps: tuple[Step, ...]
    goals: Mapping[str, float] = field(default_factory=dict)
    peer: Mapping[str, float] = field(default_factory=dict)
    parts: int = 1

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The Steps that have a goal; all where none has one."""
        found = [s for s in self.all_steps if s.phase.value in self.goals or not self.goals]
        order = list(Phase)
        return tuple(sorted(found, key=lambda step: (order.index(step.phase) + 1) % 4))


def layer_steps(
    layer: Layer, *shapes: Shape, batch: int = 1, fused: bool = False
) -> tuple[Step, ...]:
    """Forward and backward of a layer for one sample, or for a mini-batch."""
    inputs = tuple(
        Tensor(f"x{i}", Kind.ACTIVATION, (batch, *shape)) for i, shape in enumerate(shapes)
    )
    parameters = {
        name: Tensor(f"l.{name}", Kind.WEIGHT, shape)
        for name, shape in layer.parameters(*shapes).items()
    }
    buffers = {
        name: Tensor(f"l.{name}", Kind.BUFFER, shape)
        for name, shape in layer.buffers(*shapes).items()
    }
    output = Tensor("l", Kind.ACTIVATION, (batch, *layer.output_shape(*shapes)))
    node = Node("l", layer, inputs, output, parameters, True, buffers)
    request = Gradients(
        Tensor("l.grad", Kind.INPUT_GRAD, output.shape),
        tuple(Tensor(f"{t.name}.grad", Kind.INPUT_GRAD, t.shape) for t in inputs),
        (False,) * len(inputs),
        {n: Tensor(f"{p.name}.grad", Kind.WEIGHT_GRAD, p.shape) for n, p in parameters.items()},
    )
    steps = (*layer.forward(node), *layer.backward(node, request))
    return tuple(accumulating(s, FUSED) if fused and s.phase is Phase.WG else s for s in steps)


def accumulating(step: Step, fields: Mapping[str, int | float]) -> Step:
    """The Step with these fields, on top of what its outputs hold."""
    operands = tuple(
        replace(o, access=Access.UPDATE) if o.access.writes else o for o in step.operands
    )
    return replace(step, fields={**step.fields, **fields}, operands=operands)


def loss_steps(loss: Loss, shape: Shape, batch: int = 1) -> tuple[Step, ...]:
    spec = loss.target(shape)
    x = Tensor("x", Kind.ACTIVATION, (batch, *shape))
    dx = Tensor("dx", Kind.INPUT_GRAD, (batch, *shape))
    target = Tensor("target", Kind.TARGET, (batch, *spec.shape), spec.dtype)
    value = Tensor("loss", Kind.LOSS, (1,), DType.F32)
    return (loss.forward(x, target, value), loss.backward(x, target, dx))


def update_step(optimizer: Optimizer, count: int) -> tuple[Step, ...]:
    """The update of `count` parameters."""
    weight = Tensor("w", Kind.WEIGHT, (count,))
    gradient = Tensor("w.grad", Kind.WEIGHT_GRAD, (count,))
    state = {n: Tensor(f"w.{n}", Kind.OPTIMIZER_STATE, (count,)) for n in optimizer.state}
    shared = optimizer.rate(scheduled=False)
    rate = Tensor("rate", Kind.RATE, (shared.count,)) if shared else None
    return (optimizer.update("l", weight, gradient, state, rate),)


def clip_steps(by: str, *counts: int) -> tuple[Step, ...]:
    """What clips gradients of so many elements."""
    gradients = [
        Gradient("l", Tensor(f"w{i}.grad", Kind.WEIGHT_GRAD, (count,)))
        for i, count in enumerate(counts)
    ]
    before, clips = clipped(Clipping(by, 0.5), gradients)
    return (*before, *clips.values())


def tiles(step: Step, parts: int) -> tuple[Step, ...]:
    """The Step of a convolution (fw or wg) over ranges of output rows, one after the other."""
    if parts == 1:
        return (step,)
    fields, found = step.fields, []
    ho, hi, kh = (int(fields[key]) for key in ("ho", "hi", "kh"))
    stride, pad = int(fields["stride_h"]), int(fields["pad_top"])
    for part in range(parts):
        first, last = ho * part // parts, ho * (part + 1) // parts
        top = max(first * stride - pad, 0)
        bottom = min((last - 1) * stride - pad + kh, hi)
        rows_of = {"x0": bottom - top, "l": last - first, "l.grad": last - first}
        operands = tuple(_cut(operand, rows_of) for operand in step.operands)
        new = {"hi": bottom - top, "ho": last - first, "pad_top": pad - first * stride + top}
        tile = replace(step, fields={**fields, **new}, operands=operands, macs=step.macs // parts)
        again = step.phase is Phase.WG and part > 0
        found.append(accumulating(tile, {"accumulate": 1}) if again else tile)
    return tuple(found)


def _cut(operand: Operand, rows_of: Mapping[str, int]) -> Operand:
    tensor = operand.tensor
    if tensor is None or tensor.name not in rows_of:
        return operand
    n, channels, _, width = tensor.shape
    return replace(
        operand, tensor=replace(tensor, shape=(n, channels, rows_of[tensor.name], width))
    )


def conv(
    shape: Shape,
    channels: int,
    kernel: Pair,
    *,
    stride: int = 1,
    padding: Padding = (0, 0, 0, 0),
    groups: int = 1,
) -> tuple[Step, ...]:
    layer = Conv2d(
        out_channels=channels,
        kernel_size=kernel,
        stride=(stride, stride),
        padding=padding,
        groups=groups,
    )
    return layer_steps(layer, shape)


def goals(fw: float, wg: float, ig: float) -> dict[str, float]:
    return {"fw": fw, "wg": wg, "ig": ig}


_SAME, _NONE = (1, 1, 1, 1), (0, 0, 0, 0)
_IMAGE = (16, 16, 16)

ROWS = (
    Row(
        "conv2d 8->16, 3x3, 12x12 in",
        conv((8, 12, 12), 16, (3, 3)),
        goals(3.4, 3.4, 3.2),
        {"fw": 1.62, "wg": 2.03},
    ),
    Row(
        "conv2d 16->16, 3x3, 16x16 in, padding 1",
        conv(_IMAGE, 16, (3, 3), padding=_SAME),
        goals(3.4, 3.4, 3.4),
    ),
    Row(
        "conv2d 16->32, 3x3, stride 2, 16x16 in, padding [0,1,0,1]",
        conv(_IMAGE, 32, (3, 3), stride=2, padding=(0, 1, 0, 1)),
        goals(3.0, 3.0, 2.8),
    ),
    Row(
        "conv2d 8->16, 5x5, 12x12 in, padding 2",
        conv((8, 12, 12), 16, (5, 5), padding=(2, 2, 2, 2)),
        goals(3.4, 3.4, 3.2),
    ),
    Row(
        "pointwise 16->16, 16x16",
        conv(_IMAGE, 16, (1, 1)),
        goals(3.7, 3.6, 3.7),
        goals(3.29, 2.96, 3.17),
    ),
    Row("pointwise 64->64, 5x5", conv((64, 5, 5), 64, (1, 1)), goals(3.5, 3.4, 3.5)),
    Row(
        "depthwise 16, 3x3, 16x16 in, padding 1",
        conv(_IMAGE, 16, (3, 3), padding=_SAME, groups=16),
        goals(2.5, 2.0, 2.5),
        goals(0.58, 0.09, 0.05),
    ),
    Row(
        "linear 256->32",
        layer_steps(Linear(out_features=32), (256,), fused=True),
        goals(2.5, 1.8, 2.5),
    ),
    Row(
        "linear 512->16",
        layer_steps(Linear(out_features=16), (512,), fused=True),
        goals(2.3, 1.6, 2.3),
        {"fw": 0.71},
    ),
    Row(
        "matmul 64x64x64",
        layer_steps(Linear(out_features=64, bias=False), (64, 64)),
        {"fw": 3.8, "wg": 3.8, "ig": 3.8},
    ),
    Row(
        "conv2d 7->13, 3x3, 11x9 in, padding 1",
        conv((7, 11, 9), 13, (3, 3), padding=_SAME),
        goals(2.4, 2.4, 2.2),
    ),
    Row(
        "conv2d 3->16, 3x3, 32x32 in, padding 1",
        conv((3, 32, 32), 16, (3, 3), padding=_SAME),
        {"fw": 3.0, "wg": 2.8},
        parts=2,
    ),
    Row(
        "conv2d 8->8, 1x7, 9x15 in, padding [0,0,3,3]",
        conv((8, 9, 15), 8, (1, 7), padding=(0, 0, 3, 3)),
        goals(2.6, 2.6, 2.6),
    ),
    Row(
        "depthwise 13, 3x3, stride 2, 15x15 in, padding 1",
        conv((13, 15, 15), 13, (3, 3), stride=2, padding=_SAME, groups=13),
        goals(1.8, 1.5, 1.5),
    ),
)

# element-wise steps, pooling and losses have no MAC: `unavoidable` says what they must do
OTHER_ROWS = (
    Row("relu, 4,096 elements", layer_steps(Relu(), _IMAGE)),
    Row("leaky_relu, 4,096 elements", layer_steps(LeakyRelu(negative_slope=0.01), _IMAGE)),
    Row("add, 4,096 elements", layer_steps(Add(), _IMAGE, _IMAGE)),
    Row("sgd, 4,096 elements", update_step(Sgd(lr=0.01), 4096)),
    Row("clipping by value, 2,304 elements", clip_steps("value", 2304)),
    Row("clipping by norm, 2,304 elements", clip_steps("norm", 2304)),
    Row("sgd with momentum, 2,304 elements", update_step(Sgd(momentum=0.9), 2304)),
    *(
        Row(f"{name}, 2,304 elements", update_step(OPTIMIZERS[name](), 2304))
        for name in OPTIMIZERS
        if name != "sgd"
    ),
    Row("batch_norm2d, 4 x 16x8x8", layer_steps(BatchNorm2d(), (16, 8, 8), batch=4)),
    Row("group_norm of 4, 16x16x16", layer_steps(GroupNorm(num_groups=4), _IMAGE)),
    Row("layer_norm, 30 x 100", layer_steps(LayerNorm(normalized_shape=(100,)), (30, 100))),
    Row(
        "max_pool2d 2x2, 16x16x16 in",
        layer_steps(MaxPool2d(kernel_size=(2, 2), stride=None, padding=_NONE), _IMAGE),
    ),
    Row(
        "avg_pool2d 2x2, 16x16x16 in",
        layer_steps(
            AvgPool2d(kernel_size=(2, 2), stride=None, padding=_NONE, count_include_pad=True),
            _IMAGE,
        ),
    ),
    Row(
        "avg_pool2d of a whole 64x8x8",
        layer_steps(AdaptiveAvgPool2d(output_size=(1, 1)), (64, 8, 8)),
    ),
    Row("cross_entropy, 10 classes", loss_steps(CrossEntropy(), (10,))),
    Row("cross_entropy, 32 x 10 classes", loss_steps(CrossEntropy(), (10,), batch=32)),
    Row("cross_entropy, 100 classes", loss_steps(CrossEntropy(), (100,))),
    Row("mse, 640 elements", loss_steps(Mse(), (640,))),
)

# What a Step does for each element of its (inputs, outputs), by (op, phase), beside loads and
# stores: FPU operations; and selections by a comparison, and what finds NaN that a maximum drops
_FPU = {
    ("relu", "fw"): (0, 1),
    ("relu", "ig"): (0, 1),
    ("leaky_relu", "fw"): (0, 2),
    ("leaky_relu", "ig"): (0, 2),
    ("add", "fw"): (0, 1),
    ("pass", "ig"): (0, 0),
    ("sgd", "update"): (0, 1),
    ("max_pool2d", "fw"): (1, -1),
    ("max_pool2d", "ig"): (0, 3),  # for the window's four: finds the maximum again
    ("avg_pool2d", "fw"): (1, 0),
    ("avg_pool2d", "ig"): (0, 1),
}
_OTHER = {
    ("relu", "fw"): (0.5, 0),
    ("relu", "ig"): (0, 1),
    ("leaky_relu", "ig"): (0, 1),
    ("max_pool2d", "fw"): (0.5, 0),
    ("max_pool2d", "ig"): (0, 4),  # two maxima between comparisons, two selections
}


def unavoidable(step: Step) -> tuple[int, int] | None:
    """Loads and stores, every operand once, with FPU operations; and these with the other
    operations. None where nobody has counted."""
    sizes = [o.tensor.count if o.tensor else 0 for o in step.operands]
    moved = sum(sizes) + sum(
        o.tensor.count for o in step.operands if o.tensor and o.access is Access.UPDATE
    )
    key = (step.op, step.phase.value)
    if key not in _FPU:
        return None
    # a gradient of pooling has an element of dy for each window, and reads x last
    window = step.phase.value == "ig" and step.op.endswith("pool2d")
    outputs = sizes[1] if window else sizes[0]

    def operations(of: tuple[float, float]) -> int:
        return int(of[0] * sizes[-1] + of[1] * outputs)

    fpu = moved + operations(_FPU[key])
    return fpu, fpu + operations(_OTHER.get(key, (0, 0)))
