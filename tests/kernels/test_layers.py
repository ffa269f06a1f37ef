"""Every layer of the registry on random shapes, teams and batches, against PyTorch."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kernels.cases import Case, check_case, layer_cases
from tests.kernels.harness import Harness
from trainlib_deployer.layers import LAYERS

SHARED = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("name", list(LAYERS))
def test_random_shapes_agree_with_pytorch(name: str, harness: Harness) -> None:
    @SHARED
    @given(layer_cases(name))
    def check(case: Case) -> None:
        check_case(harness, case)

    check()


@pytest.mark.parametrize("name", list(LAYERS))
def test_the_optimised_build_agrees_and_stays_in_its_buffers(
    name: str, plain_harness: Harness
) -> None:
    @settings(SHARED, max_examples=120)
    @given(layer_cases(name))
    def check(case: Case) -> None:
        check_case(plain_harness, case)

    check()


@settings(SHARED, max_examples=80)
@given(case=st.one_of([layer_cases(name) for name in LAYERS]))
def test_no_two_cores_race(case: Case, thread_harness: Harness) -> None:
    check_case(thread_harness, case)
