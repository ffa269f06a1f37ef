"""What the tests of targets share."""

from __future__ import annotations

import pytest

from trainlib_deployer.targets import TARGETS
from trainlib_deployer.targets.base import Target

SIMULATED = ("qemu-riscv32", "cortex-m7", "cortex-m4")


def ready(name: str) -> Target:
    """The target; the test is skipped, and says why, where a tool of it is missing."""
    target = TARGETS[name]
    for tool in target.missing_tools:
        pytest.skip(f"{tool.chosen} is not installed")
    return target
