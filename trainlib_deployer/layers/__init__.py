"""One file a layer; importing the folder is all it takes to know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlib_deployer.registry import Registry

if TYPE_CHECKING:
    from trainlib_deployer.layers.base import Layer

LAYERS: Registry[Layer] = Registry("layer", __name__)
