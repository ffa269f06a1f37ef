"""Any Step in any amount of L1: tiles give what the whole Step gives, and cover it exactly once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.kernels.cases import Case, assert_close, kernels_for, layer_cases, node_of, run_step
from tests.kernels.harness import Array, Harness
from trainlib_deployer.ir.dtype import DType
from trainlib_deployer.ir.step import LoopKind, Step
from trainlib_deployer.ir.tensor import Kind, Tensor
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Gradients
from trainlib_deployer.lowering.verify_tiles import verify_tiles
from trainlib_deployer.tiling.plan import TilePlan, slices_of, tile_fields
from trainlib_deployer.tiling.search import tiler_of
from trainlib_deployer.tuning.kernels import Kernel

RANDOM = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ROOM = st.one_of(st.just(0.0), st.floats(0, 1))  # from the smallest that fits to all of it


def steps_of(case: Case) -> tuple[Step, ...]:
    """Forward and backward of a layer."""
    node = node_of(case)
    dx = tuple(Tensor(f"{t.name}.grad", Kind.INPUT_GRAD, t.shape) for t in node.inputs)
    dparams = {
        name: Tensor(f"{p.name}.grad", Kind.WEIGHT_GRAD, p.shape)
        for name, p in node.parameters.items()
    }
    dy = Tensor("tested.grad", Kind.INPUT_GRAD, node.output.shape)
    request = Gradients(dy, dx, (case.accumulate,) * len(dx), dparams)
    return (*node.layer.forward(node), *node.layer.backward(node, request))


def plan_in(step: Step, cores: int, room: float) -> TilePlan | None:
    """The tiles for an L1 between the least and the most that the Step can use."""
    tiler = tiler_of(step, frozenset(), cores)
    least, most = tiler.least_bytes, tiler.whole().bytes
    return tiler.best(least + round((most - least) * room))


def values_of(step: Step, seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    return {
        tensor.name: random.standard_normal(tensor.shape).astype(np.float32)
        if tensor.dtype is DType.F32
        else np.zeros(tensor.shape, np.int32)
        for tensor in step.tensors
    }


def run_tiled(
    harness: Harness,
    step: Step,
    plan: TilePlan,
    kernel: Kernel,
    cores: int,
    given: dict[str, Array],
) -> dict[str, Array]:
    """Tile by tile, each on dense copies of its slices."""
    kinds = {loop.name: loop.kind for loop in step.loops}
    values = {name: value.copy() for name, value in given.items()}
    for operand in step.operands:
        if operand.tensor and not operand.access.reads:
            values[operand.tensor.name][...] = np.nan
    for index in range(plan.count):
        tile = plan.tile(index)
        begun = any(tile[n][0] > 0 for n in tile if kinds[n] is LoopKind.REDUCTION)
        operands: list[Array | None] = []
        for position, operand in enumerate(step.operands):
            own = {name for axis in operand.axes for name, _ in axis.terms}
            left_out = LoopKind.PARALLEL if operand.access.writes else LoopKind.REDUCTION
            elsewhere = operand.optional and any(
                first > 0 and name not in own and kinds[name] is left_out
                for name, (first, _) in tile.items()
            )
            if operand.tensor is None or elsewhere:
                operands.append(None)
                continue
            box = tuple(slice(*ends) for ends in slices_of(step, position, tile))
            operands.append(values[operand.tensor.name].reshape(operand.shape)[box].copy())
        results = harness.run(kernel, cores, tile_fields(step, tile, begun), operands)
        for position, (operand, result) in enumerate(zip(step.operands, results, strict=True)):
            if operand.tensor and result is not None and operand.access.writes:
                box = tuple(slice(*ends) for ends in slices_of(step, position, tile))
                values[operand.tensor.name].reshape(operand.shape)[box] = result
    return values


@pytest.mark.parametrize("name", list(LAYERS))
def test_tiles_give_what_the_whole_step_gives(name: str, plain_harness: Harness) -> None:
    @RANDOM
    @given(layer_cases(name), ROOM)
    def check(case: Case, room: float) -> None:
        for step in steps_of(case):
            plan = plan_in(step, case.cores, room)
            assert plan is not None
            values = values_of(step, case.seed)
            split = {loop.name for loop in plan.loops}
            sums = {loop.name for loop in step.loops if loop.kind is LoopKind.REDUCTION}
            tiles = [tile_fields(step, tile, False) for _, tile in plan.kinds()]
            for kernel in kernels_for(step):
                if not all(map(kernel.takes, tiles)):
                    continue
                whole = dict(values)
                run_step(plain_harness, step, kernel, case.cores, whole)
                tiled = run_tiled(plain_harness, step, plan, kernel, case.cores, values)
                for tensor in step.writes:
                    got, wanted = tiled[tensor.name], whole[tensor.name]
                    what = f"{kernel.function} in {plan.count} tiles of {plan.loops}"
                    if split & sums or split & set(step.tiling.last_resort):
                        assert_close(got, wanted.astype(np.float64), step.reduction_length, what)
                    else:
                        assert got.tobytes() == wanted.tobytes(), what

    check()


@settings(RANDOM, max_examples=300)
@given(st.one_of([layer_cases(name) for name in LAYERS]), ROOM, st.booleans())
def test_every_output_is_written_once_and_reads_stay_inside(
    case: Case, room: float, in_l1: bool
) -> None:
    """Counted element by element, without a kernel."""
    for step in steps_of(case):
        # some operands may live in L1 already, and their slices must be in one piece
        direct = frozenset(range(1, len(step.operands))) if in_l1 else frozenset()
        tiler = tiler_of(step, direct, case.cores)
        plan = tiler.best(round(tiler.whole().bytes * room))
        if plan is None or plan.count == 1:
            continue
        sums = {loop.name for loop in step.loops if loop.kind is LoopKind.REDUCTION}
        parts = 1
        for loop in plan.loops:
            parts *= loop.count if loop.name in sums else 1
        counts = {
            index: np.zeros(operand.shape, np.int64)
            for index, operand in enumerate(step.operands)
            if operand.tensor
        }
        for number in range(plan.count):
            tile = plan.tile(number)
            fields = tile_fields(step, tile, False)
            assert all(value > 0 for name, value in fields.items() if name in ("n", "co", "c"))
            for index, count in counts.items():
                box = slices_of(step, index, tile)
                assert all(
                    0 <= first < last <= extent
                    for (first, last), extent in zip(box, count.shape, strict=True)
                )
                count[tuple(slice(*ends) for ends in box)] += 1
        for index, count in counts.items():
            if step.operands[index].access.writes and not step.operands[index].optional:
                assert (count == parts).all(), step.operands[index].tensor


@settings(RANDOM, max_examples=200)
@given(st.one_of([layer_cases(name) for name in LAYERS]), ROOM)
def test_the_checker_accepts_every_plan(case: Case, room: float) -> None:
    for step in steps_of(case):
        plan = plan_in(step, case.cores, room)
        assert plan is not None
        assume(plan.count < 5000)
        if plan.count > 1:
            verify_tiles(step, plan)
