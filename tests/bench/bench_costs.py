"""How well the cost model predicts gvsoc: python -m tests.bench.bench_costs [--write] …

Random shapes of layers and tiles through every kernel that has a formula in tuning/costs*.py, on
1, 4 and 8 cores; the error is predicted / measured - 1. Kernels with linear formulas are measured
when they run for the first time: they are so large that each tile finds the caches cold; the
others the second time. `--kernel TEXT` takes only some kernels, `--verbose` shows every shape,
`--fit` says what the factors of the linear formulas should be: those with the least squares of
errors, none below zero.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.bench.bench_kernels import write_table
from tests.bench.kernel_program import ALIGNMENT, L1_BYTES, Job, count, program_folder
from tests.bench.kernel_rows import clip_steps, layer_steps, loss_steps, update_step
from trainlib_deployer.ir.step import Step
from trainlib_deployer.layers.add import Add
from trainlib_deployer.layers.avg_pool2d import AvgPool2d
from trainlib_deployer.layers.base import Layer
from trainlib_deployer.layers.batch_norm2d import BatchNorm2d
from trainlib_deployer.layers.conv2d import Conv2d
from trainlib_deployer.layers.group_norm import GroupNorm
from trainlib_deployer.layers.instance_norm2d import InstanceNorm2d
from trainlib_deployer.layers.layer_norm import LayerNorm
from trainlib_deployer.layers.leaky_relu import LeakyRelu
from trainlib_deployer.layers.linear import Linear
from trainlib_deployer.layers.max_pool2d import MaxPool2d
from trainlib_deployer.layers.relu import Relu
from trainlib_deployer.layers.rms_norm import RMSNorm
from trainlib_deployer.losses.cross_entropy import CrossEntropy
from trainlib_deployer.losses.mse import Mse
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.base import Optimizer
from trainlib_deployer.optimizers.sgd import Sgd
from trainlib_deployer.spec.fields import fields_of
from trainlib_deployer.tuning.costs import ALONE_MAX, COSTS, LinearCost, cycles
from trainlib_deployer.tuning.kernels import all_kernels

TEAMS = (1, 4, 8)
SHAPES_OF_A_LAYER = 8


def dense_steps(r: random.Random) -> Iterator[Step]:
    """Dense convolutions of the usual windows, of images and of slices of them."""
    for size in ((1, 1), (3, 3), (5, 5), (1, 7), (2, 3), (5, 4)):
        same = (size[0] // 2, size[0] // 2, size[1] // 2, size[1] // 2)
        for stride in (1, 1, 2):
            height, width = r.choice([3, 5, 8, 16]), r.choice([5, 8, 16, 25, 32])
            image = (r.choice([3, 8, 16, 32]), height, width)
            if height < size[0] or width < size[1]:
                continue
            layer = Conv2d(
                out_channels=r.choice([4, 13, 16, 32]),
                kernel_size=size,
                stride=(stride, stride),
                padding=r.choice([(0, 0, 0, 0), same]),
                groups=1,
            )
            yield from layer_steps(layer, image)


def random_steps() -> Iterator[Step]:
    """Shapes as layers and tiles have them."""
    r = random.Random(0)
    none = (0, 0, 0, 0)
    for _ in range(SHAPES_OF_A_LAYER):
        yield from dense_steps(r)
        channels, size = r.choice([3, 8, 13, 16, 24]), r.choice([4, 5, 8, 11, 16])
        image = (channels, size, r.choice([5, 8, 12, 16, 25]))
        stride = r.choice([1, 1, 2])
        depthwise = Conv2d(
            out_channels=channels,
            kernel_size=(3, 3),
            stride=(stride, stride),
            padding=r.choice([(1, 1, 1, 1), (0, 1, 0, 1)]),
            groups=channels,
        )
        window = r.choice([(2, 2), (3, 3), image[1:]])
        pools: list[Layer] = [
            MaxPool2d(kernel_size=window, stride=None, padding=none),
            AvgPool2d(kernel_size=window, stride=None, padding=none, count_include_pad=True),
        ]
        for layer in (depthwise, Relu(), LeakyRelu(negative_slope=0.1), *pools):
            yield from layer_steps(layer, image)
        yield from layer_steps(Add(), image, image)
        yield from update_step(Sgd(lr=0.01), r.choice([16, 100, 2304]))
        sizes = (r.choice([10, 32, 64, 100, 300]), r.choice([2, 10, 16, 32, 37]))
        yield from layer_steps(Linear(out_features=sizes[1]), (sizes[0],), fused=r.random() < 0.7)
        yield from layer_steps(Linear(out_features=sizes[1]), (r.choice([2, 4, 9, 32]), sizes[0]))
        yield from loss_steps(CrossEntropy(), (sizes[1],))
        yield from loss_steps(Mse(), (sizes[0],))


def random_steps_of_batches() -> Iterator[Step]:
    """Updates that keep something, and normalisation."""
    r = random.Random(0)
    for _ in range(SHAPES_OF_A_LAYER):
        for name in OPTIMIZERS:
            yield from update_step(random_optimizer(r, name), r.choice([16, 100, 2304]))
        yield from norm_steps(r)
    for _ in range(SHAPES_OF_A_LAYER):
        yield from clip_steps("value", r.choice([16, 100, 2304]))
        yield from clip_steps("norm", *(r.choice([16, 100, 2304]) for _ in range(r.choice([1, 6]))))


def random_optimizer(r: random.Random, name: str) -> Optimizer:
    """With or without what makes a kernel work more."""
    options: dict[str, Any] = {"weight_decay": r.choice([0.0, 0.1])}
    if name == "sgd":
        options["momentum"] = 0.9
    elif "momentum" in fields_of(OPTIMIZERS[name]):
        options["momentum"] = r.choice([0.0, 0.9])
    if "centered" in fields_of(OPTIMIZERS[name]):
        options["centered"] = r.choice([False, True])
    return OPTIMIZERS[name](**options)


def norm_steps(r: random.Random) -> Iterator[Step]:
    """Of a mini-batch, of groups of channels, and of rows."""
    image = (r.choice([4, 8, 16, 64]), r.choice([1, 4, 5, 8]), r.choice([4, 7, 8]))
    affine = r.choice([True, True, False])
    for layer in (
        BatchNorm2d(affine=affine),
        InstanceNorm2d(affine=affine),
        GroupNorm(num_groups=r.choice([1, 2, 4]), affine=affine),
    ):
        yield from layer_steps(layer, image, batch=r.choice([1, 2, 8]))
    rows, length = r.choice([1, 8, 30]), r.choice([10, 64, 100])
    for norm in (LayerNorm, RMSNorm):
        row = norm(normalized_shape=(length,))
        yield from layer_steps(row, (rows, length), batch=r.choice([1, 2]))


def fits(step: Step) -> bool:
    return sum(t.bytes + ALIGNMENT for t in step.tensors) <= L1_BYTES


def jobs_of(text: str) -> list[Job]:
    found = []
    for step in (*random_steps(), *random_steps_of_batches()):
        if not fits(step):
            continue
        for kernel in all_kernels():
            serves = (kernel.op, kernel.phase) == (step.op, step.phase.value)
            if serves and kernel.takes(step.fields) and kernel.function in COSTS:
                job = Job(f"{step.name}: {step.comment}", (step,), kernel)
                if text in kernel.function:
                    found.append(job)
    return found


@dataclass(frozen=True)
class Measured:
    function: str
    fields: Mapping[str, int | float]
    cores: int
    cycles: int


def fit(found: Sequence[Measured]) -> Iterator[str]:
    """The factors of the linear formulas that come nearest to what was measured."""
    formulas: dict[LinearCost, list[str]] = {}
    for function in dict.fromkeys(m.function for m in found):
        formula = COSTS[function]
        if isinstance(formula, LinearCost):
            formulas.setdefault(formula, []).append(function)
    for formula, functions in formulas.items():
        yield ", ".join(functions)
        for name, teams in (
            ("alone", [n for n in TEAMS if n <= ALONE_MAX]),
            ("shared", [n for n in TEAMS if n > ALONE_MAX]),
        ):
            own = [m for m in found if m.function in functions and m.cores in teams]
            counts = np.array([formula.counts(m.fields, m.cores) for m in own])
            measured = np.array([float(m.cycles) for m in own])
            factors = least_squares(counts / measured[:, None])
            errors = np.abs(counts @ factors / measured - 1)
            text = ", ".join(f"{factor:.4g}" for factor in factors)
            bad = np.count_nonzero(errors > 0.2)
            yield (
                f"    {name}=({text}),  # mean error {errors.mean():.1%}, over 20 %: {bad} of"
                f" {len(own)}"
            )


def least_squares(counts: np.ndarray) -> np.ndarray:
    """Factors, none below zero, that bring every row's sum near to 1."""
    kept = list(range(counts.shape[1]))
    while True:
        solution = np.linalg.lstsq(counts[:, kept], np.ones(len(counts)), rcond=None)[0]
        if solution.min() >= 0:
            break
        kept.pop(int(solution.argmin()))
    factors = np.zeros(counts.shape[1])
    factors[kept] = solution
    return factors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kernel", default="", help="only kernels whose names hold this")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--fit", action="store_true", help="the factors that fit best")
    parser.add_argument("--verbose", action="store_true", help="every shape")
    options = parser.parse_args()
    jobs = jobs_of(options.kernel)
    errors: dict[str, dict[int, list[float]]] = {}
    found: list[Measured] = []
    with program_folder("gvsoc") as folder:
        for cores in TEAMS:
            counts = count(folder, "gvsoc", jobs, cores=cores, passes=2)
            for job, passes in zip(jobs, counts, strict=True):
                name = job.kernel.function
                measured = passes[0 if isinstance(COSTS[name], LinearCost) else 1]
                guess = cycles(name, job.steps[0].fields, cores)
                error = guess / measured - 1
                found.append(Measured(name, job.steps[0].fields, cores, measured))
                errors.setdefault(name, {}).setdefault(cores, []).append(error)
                if options.verbose:
                    print(f"{name} {cores} {job.name}: {measured} {guess:.0f} {error:+.1%}")
    lines = ["| kernel | shapes | median error | mean size | worst |", "|---" * 5 + "|"]
    for name, by_team in errors.items():
        every = [error for found in by_team.values() for error in found]
        sizes = [abs(error) for error in every]
        lines.append(
            f"| `{name}` | {len(every)} | {statistics.median(every):+.1%}"
            f" | {statistics.mean(sizes):.1%} | {max(every, key=abs):+.1%} |"
        )
    print("\n".join(lines))
    if options.fit:
        print(*fit(found), sep="\n")
    if options.write:
        write_table("costs", "\n".join(lines))


if __name__ == "__main__":
    main()
