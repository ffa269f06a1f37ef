"""What the tests of targets share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernels.harness import build
from tests.targets.recorded import RecordingHarness
from trainlib_deployer.targets import TARGETS
from trainlib_deployer.targets.base import Target

SIMULATED = ("qemu-riscv32", "cortex-m7", "cortex-m4")


def ready(name: str) -> Target:
    """The target; the test is skipped, and says why, where a tool of it is missing."""
    target = TARGETS[name]
    for tool in target.missing_tools:
        pytest.skip(f"{tool.chosen} is not installed")
    return target


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[RecordingHarness]:
    build(tmp_path / "harness", "-O2", "-ffp-contract=off")
    running = RecordingHarness(tmp_path / "harness")
    yield running
    running.close()
