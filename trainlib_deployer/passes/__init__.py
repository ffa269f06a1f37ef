"""Passes that make a training step small: each rewrites the schedule, and can be switched off."""

from __future__ import annotations

from trainlib_deployer.passes.base import Pass, Saving, apply_passes
from trainlib_deployer.passes.fold_norms import FOLD_NORMS, Fold, folded_norms, folds_of
from trainlib_deployer.passes.fuse_updates import FUSE_UPDATES
from trainlib_deployer.passes.in_place import IN_PLACE
from trainlib_deployer.passes.reorder import REORDER
from trainlib_deployer.passes.saved_outputs import SAVED_OUTPUTS
from trainlib_deployer.passes.slice_updates import ROW_UPDATES, SLICE_UPDATES
from trainlib_deployer.passes.update_at_once import UPDATE_AT_ONCE
from trainlib_deployer.passes.views import VIEWS

# in this order: a later one finds more when the earlier ones have run
SHORTER: tuple[Pass, ...] = (
    FOLD_NORMS, UPDATE_AT_ONCE, FUSE_UPDATES, SAVED_OUTPUTS, VIEWS, IN_PLACE,
)  # fmt: skip
# these cost time, so the first that makes a network fit is taken
SLICING: tuple[tuple[Pass, ...], ...] = ((), (SLICE_UPDATES,), (ROW_UPDATES,))
LAST: tuple[Pass, ...] = (REORDER,)

PASSES: tuple[Pass, ...] = (*SHORTER, *(item for passes in SLICING for item in passes), *LAST)

__all__ = [
    "FOLD_NORMS", "LAST", "PASSES", "ROW_UPDATES", "SHORTER", "SLICING", "Fold", "Pass", "Saving",
    "apply_passes", "folded_norms", "folds_of",
]  # fmt: skip
