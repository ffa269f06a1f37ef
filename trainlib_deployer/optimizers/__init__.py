"""One file an optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlib_deployer.registry import Registry

if TYPE_CHECKING:
    from trainlib_deployer.optimizers.base import Optimizer

OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", __name__)
