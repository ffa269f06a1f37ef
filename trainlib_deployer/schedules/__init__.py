"""One file a learning-rate schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlib_deployer.registry import Registry

if TYPE_CHECKING:
    from trainlib_deployer.schedules.base import Schedule

SCHEDULES: Registry[Schedule] = Registry("schedule", __name__)
