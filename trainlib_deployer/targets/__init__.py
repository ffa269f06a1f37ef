"""One file a target: a module of this folder with a `TARGET` adds it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainlib_deployer.targets.base import Target


class _Targets(Mapping[str, "Target"]):
    """Targets by name; the folder is imported on first use."""

    @cached_property
    def _found(self) -> dict[str, Target]:
        modules = (
            importlib.import_module(f"{__name__}.{module.name}")
            for module in pkgutil.iter_modules(__path__)
        )
        targets: list[Target] = [m.TARGET for m in modules if hasattr(m, "TARGET")]
        return {target.name: target for target in sorted(targets, key=lambda t: t.name)}

    def __getitem__(self, name: str) -> Target:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


TARGETS: Mapping[str, Target] = _Targets()
