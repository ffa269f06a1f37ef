"""The run log's reader: whole logs, damaged ones, garbage."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlib_deployer.targets.log import (
    Accuracy,
    Decision,
    FreeRun,
    LevelSize,
    LogError,
    MemoryViolation,
    StackUse,
    StepCount,
    TensorCheck,
    Worst,
    parse_log,
)

WHOLE = """\
network digits_cnn: target host, 8 cores
memory l1 61000 of 65536 bytes
memory l2 0 of 524288 bytes
check step 0, c1.fw: activation c1: error 1.200000e-07, tolerance 3.100000e-05, ok
check step 0, c1.wg: weight_grad c1.weight: error 0.000000e+00, tolerance 3.1e-05, ok
loss 0: 2.313000e+00 2.290000e+00
loss 2: 2.1
free run: largest difference of 3 losses 1.200000e-06 at step 1, tolerance 1.000000e-03, ok
accuracy 331 of 360, golden 331, ok
profile c1.fw 33000 ns
profile c1.wg -1 ns
stack core 0 1468 of 8192 bytes
stack core 11 572 of 8192 bytes
result ok
"""


def test_a_whole_log() -> None:
    log = parse_log(WHOLE.splitlines())
    assert (log.network, log.target, log.cores, log.result) == ("digits_cnn", "host", 8, "ok")
    assert log.levels == (LevelSize("l1", 61000, 65536), LevelSize("l2", 0, 524288))
    assert log.losses == (2.313, 2.29, 2.1)
    assert log.tensors[0] == TensorCheck(0, "c1.fw", "activation", "c1", 1.2e-7, 3.1e-5, True)
    assert log.free_run == FreeRun(3, 1.2e-6, 1, 1e-3, True)
    assert log.accuracy == Accuracy(331, 360, 331, True)
    # a counter of 32 bits, printed as signed
    assert log.profile == (StepCount("c1.fw", 33000, "ns"), StepCount("c1.wg", 2**32 - 1, "ns"))
    assert log.stacks == (StackUse(0, 1468, 8192), StackUse(11, 572, 8192))
    assert log.agrees


def test_what_differs_is_read() -> None:
    log = parse_log(
        [
            "check step 3, c1.fw: MEMORY l1 offset -4 changed outside the step's outputs",
            "check step 3, c2.fw: MEMORY l2 offset 12 changed outside the step's outputs, in c1",
            "check step 3, c2.fw: activation c2: error nan, tolerance 3e-05, MISMATCH"
            " at 17: nan, expected 2.000000e+00",
            "result mismatch",
        ]
    )
    assert log.violations == (
        MemoryViolation(3, "c1.fw", "l1", -4),
        MemoryViolation(3, "c2.fw", "l2", 12, "c1"),
    )
    (check,) = log.tensors
    assert not check.ok and math.isnan(check.error)
    assert check.worst and (check.worst.index, check.worst.expected) == (17, 2.0)
    assert not log.agrees
    fingerprint = "check step 0, a.fw: weight a.b: error inf, tolerance 1e-6, MISMATCH"
    assert parse_log([fingerprint]).tensors[0].worst is None
    assert isinstance(check.worst, Worst)


def test_decisions_are_read() -> None:
    log = parse_log(
        [
            "decision 4: improves, golden improves, ok",
            "decision 6: improves, golden waits, near tie",
            "decision 8: waits, golden stops, MISMATCH",
            "restored: the state after step 4",
            "result mismatch",
        ]
    )
    assert log.decisions == (
        Decision(4, "improves", "improves", False, True),
        Decision(6, "improves", "waits", True, True),
        Decision(8, "waits", "stops", False, False),
    )
    assert log.restored == 4 and not log.agrees


def test_other_programs_lines_are_passed_over() -> None:
    noise = ["", "qemu: warning", "==1== ERROR", "stack 0 1024 of 2048 bytes", "lossy", "\x00\xff"]
    lines = WHOLE.splitlines()
    mixed = [line for pair in zip(lines, noise * 3, strict=False) for line in pair]
    assert parse_log(mixed) == parse_log(lines)


@pytest.mark.parametrize(
    "damaged",
    [
        "loss 0: 2.31 2.x",
        "loss 0:",
        "loss 5: 1.0",
        "check step 0, c1.fw: activation c1: error 1.2e-0",
        "check step 0, c1.fw: activation c1: error 1e-7, tolerance 1e-5, perhaps",
        "profile c1.fw 33000 furlongs",
        "profile c1.fw",
        "accuracy 331 of",
        "result o",
        "memory l4 1 of 2 bytes",
        "decision 4: improves, golden dawdles, ok",
        "restored: the state",
    ],
)
def test_a_damaged_line_of_ours_is_an_error(damaged: str) -> None:
    with pytest.raises(LogError):
        parse_log([damaged])


@pytest.mark.parametrize(
    "lines",
    [
        ["result ok", "result ok"],
        ["result mismatch"],
        ["accuracy 1 of 9, golden 9, MISMATCH", "result ok"],
        ["decision 4: waits, golden stops, MISMATCH", "result ok"],
        ["check step 0, a.fw: MEMORY l1 offset 1 changed outside the step's outputs", "result ok"],
    ],
)
def test_a_log_that_contradicts_itself_is_an_error(lines: list[str]) -> None:
    with pytest.raises(LogError):
        parse_log(lines)


def test_truncation_leaves_no_result() -> None:
    lines = WHOLE.splitlines()
    for length in range(len(lines)):
        assert parse_log(lines[:length]).result is None


WORDS = ["loss ", "check step ", "0", ",", ": ", "activation", "error nan", "ok", "\n", "result "]


@given(st.lists(st.one_of(st.text(), st.lists(st.sampled_from(WORDS)).map("".join)), max_size=20))
def test_garbage_is_passed_over_or_refused(lines: list[str]) -> None:
    try:
        log = parse_log(lines)
    except LogError:
        return
    assert log.result in (None, "ok")


@given(st.data())
def test_a_cut_log_is_refused_or_has_no_result(data: st.DataObject) -> None:
    cut = WHOLE[: data.draw(st.integers(0, len(WHOLE) - 2))]
    with contextlib.suppress(LogError):
        assert parse_log(cut.splitlines()).result is None
