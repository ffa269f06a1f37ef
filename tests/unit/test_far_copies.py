"""What comes from L3 ahead of time: planned so that it helps, and checked so that it is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from tests.conftest import EXAMPLES
from trainlib_deployer.errors import PlanError
from trainlib_deployer.lowering.program import Before, FarMove, Program, StepCode, Sync
from trainlib_deployer.lowering.verify import verify_program
from trainlib_deployer.lowering.verify_races import verify_races
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.project import Project
from trainlib_deployer.spec.model import DeviceOptions

KIB = 1024


@cache
def project(name: str, l1: int, l2: int) -> Project:
    options = DeviceOptions(l1_bytes=l1 * KIB, l2_bytes=l2 * KIB, l3_bytes=8 * KIB * KIB)
    return plan_project(EXAMPLES / f"{name}.yaml", options)


def small() -> Project:
    return project("digits/cnn", 16, 32)


def with_step(program: Program, index: int, code: StepCode) -> Program:
    return replace(program, code=(*program.code[:index], code, *program.code[index + 1 :]))


def without_a_wait(program: Program) -> Iterator[tuple[str, Program]]:
    """The program with one wait of core 0 left out, or with one more transfer still under way."""
    for index, code in enumerate(program.code):
        if code.before_call.newer is not None:
            changed = replace(code, before_call=less(code.before_call))
            yield code.step.name, with_step(program, index, changed)
        for name in ("coming", "leaving", "fetches"):
            moves = getattr(code, name)
            for place, move in enumerate(moves):
                if move.before.newer is not None or move.before.sync is Sync.WAIT:
                    fewer = replace(move, before=less(move.before))
                    others = (*moves[:place], fewer, *moves[place + 1 :])
                    yield code.step.name, with_step(program, index, replace(code, **{name: others}))


def less(before: Before) -> Before:
    if before.newer is not None:
        return replace(before, newer=before.newer + 1)
    return Before()


def test_copies_come_ahead_and_serve_several_steps() -> None:
    found = small()
    numbers = {step.name: number for number, step in enumerate(found.schedule.steps)}
    coming = [
        (index, move) for index, code in enumerate(found.program.code) for move in code.coming
    ]
    assert any(index < numbers[move.steps[0]] for index, move in coming)
    assert any(move.steps[0] != move.steps[1] for _, move in coming)


@pytest.mark.parametrize(
    ("name", "l1", "l2"),
    [("digits/cnn", 16, 32), ("digits/cnn", 32, 24), ("mlperf_tiny/ds_cnn", 32, 150)],
)
def test_every_wait_is_needed(name: str, l1: int, l2: int) -> None:
    program = project(name, l1, l2).program
    verify_races(program)
    changes = list(without_a_wait(program))
    assert len(changes) > 5
    for step, changed in changes:
        with pytest.raises(PlanError, match=r"is moving|no barrier"):
            verify_races(changed)
            pytest.fail(f"nobody missed a wait in {step}")


def test_a_copy_that_comes_before_its_source_is_there_is_found() -> None:
    found = project("mlperf_tiny/ds_cnn", 32, 150)
    code = found.program.code
    store, index = next(
        (store, index)
        for index, one in enumerate(code)
        for store in one.leaving
        if any(_reads_again(other, store) for other in code[index + 1 :])
    )
    later = next(i for i in range(index + 1, len(code)) if _reads_again(code[i], store))
    again = tuple(m for m in code[later].coming if _source_of(m, store))
    early = list(code)
    others = tuple(move for move in code[later].coming if move not in again)
    early[later] = replace(code[later], coming=others)
    early[index] = replace(code[index], coming=(*code[index].coming, *again))
    with pytest.raises(PlanError):
        verify_program(found.graph, replace(found.program, code=tuple(early)), found.memory)


def _source_of(move: FarMove, store: FarMove) -> bool:
    return move.transfer.source == store.transfer.destination


def _reads_again(code: StepCode, store: FarMove) -> bool:
    return any(_source_of(move, store) for move in code.coming)


@pytest.mark.parametrize(
    ("name", "l2", "before"),
    [("mobilenet_v1", 432, 19.4e6), ("autoencoder", 384, 4.8e6)],
)
def test_predicted_cycles_of_a_step_are_less_than_without_it(
    name: str, l2: int, before: float
) -> None:
    """`before`: when every copy was waited for where it started."""
    found = project(f"mlperf_tiny/{name}", 64, l2)
    assert sum(plan.predicted.cycles for plan in found.memory.tiles.values()) < 0.75 * before
