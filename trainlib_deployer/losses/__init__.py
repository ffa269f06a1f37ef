"""One file a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlib_deployer.registry import Registry

if TYPE_CHECKING:
    from trainlib_deployer.losses.base import Loss

LOSSES: Registry[Loss] = Registry("loss", __name__)
