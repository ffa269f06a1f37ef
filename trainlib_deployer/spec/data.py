"""Samples and initial weights: they must fit the network before anything is generated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainlib_deployer.errors import Diagnostics, Location
from trainlib_deployer.spec.archives import check_numbers, first_bad, open_arrays, shape_text
from trainlib_deployer.spec.model import ModelSpec
from trainlib_deployer.spec.nodes import shorten
from trainlib_deployer.spec.suggest import did_you_mean

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class DataSummary:
    """How many samples the files hold; 0 where there is no file."""

    train_samples: int
    test_samples: int


@dataclass(frozen=True)
class _Wanted:
    """What the arrays of a file must be; `target_shape` is None where y is not used."""

    input_shape: tuple[int, ...]
    target_shape: tuple[int, ...] | None
    is_class: bool
    classes: int | None


def check_data(
    spec: ModelSpec,
    target_shape: tuple[int, ...] | None,
    target_is_class: bool,
    classes: int | None,
    diagnostics: Diagnostics,
) -> DataSummary:
    """Check the files that `data` names against the network's input and its target.

    `target_shape` is that of one sample, None where the network needs no y.
    """
    wanted = _Wanted(spec.input_shape, target_shape, target_is_class, classes)
    counts = {
        key: _check_file(path, key, spec.data.key_where.get(key), wanted, diagnostics)
        for key, path in spec.data.files.items()
    }
    return DataSummary(counts.get("train", 0), counts.get("test", 0))


def _check_file(
    path: Path, key: str, where: Location | None, wanted: _Wanted, diagnostics: Diagnostics
) -> int:
    needed = ("x",) if wanted.target_shape is None else ("x", "y")
    arrays = open_arrays(path, where, diagnostics, needed)
    if arrays is None:
        return 0
    for name in needed:
        if name not in arrays:
            diagnostics.add(f"{key}: {path.name} has no array {name}", where)
    if "x" not in arrays:
        return 0
    x = arrays["x"]
    what = f"{key}: {path.name}: x"
    if x.shape[1:] != wanted.input_shape or x.ndim != 1 + len(wanted.input_shape):
        needs = shape_text(("N", *wanted.input_shape))
        diagnostics.add(f"{what} has shape {shape_text(x.shape)}; {needs} is needed", where)
        return 0
    samples = int(x.shape[0])
    if samples == 0:
        diagnostics.add(f"{what} has no samples", where)
        return 0
    check_numbers(x, what, where, diagnostics)
    if "y" in arrays:
        what = f"{key}: {path.name}: y"
        _check_target(arrays["y"], samples, what, where, wanted, diagnostics)
    return samples


def _check_target(
    y: npt.NDArray[Any],
    samples: int,
    what: str,
    where: Location | None,
    wanted: _Wanted,
    diagnostics: Diagnostics,
) -> None:
    target_shape = wanted.target_shape or ()
    if y.ndim != 1 + len(target_shape) or y.shape[1:] != target_shape:
        needs = shape_text(("N", *target_shape))
        meaning = " of class indices" if wanted.is_class else ""
        message = f"{what} has shape {shape_text(y.shape)}; {needs}{meaning} is needed"
        diagnostics.add(message, where)
        return
    if y.shape[0] != samples:
        diagnostics.add(f"{what} has {y.shape[0]} samples, x has {samples}", where)
        return
    if not wanted.is_class:
        check_numbers(y, what, where, diagnostics)
    elif y.dtype.kind not in "iu":
        diagnostics.add(f"{what} has dtype {y.dtype}; class indices are integers", where)
    elif wanted.classes is not None:
        index = first_bad((y < 0) | (y >= wanted.classes))
        if index is not None:
            label = y[int(index[1:-1])]
            last = wanted.classes - 1
            diagnostics.add(f"{what}{index} is {label}; the classes are 0 to {last}", where)


def check_init(
    spec: ModelSpec, params: Mapping[str, tuple[int, ...]], diagnostics: Diagnostics
) -> None:
    """Check the file that `init` names: exactly the parameters, each of its shape and finite."""
    if spec.init is None:
        return
    where = spec.init_where
    arrays = open_arrays(spec.init, where, diagnostics)
    if arrays is None:
        return
    what = f"init: {spec.init.name}"
    for name in arrays:
        if name not in params:
            hint = did_you_mean(name, params) or "Arrays are named <layer>.<param>."
            diagnostics.add(f"{what} has an array '{shorten(name)}' of no parameter.", where, hint)
    for name, shape in params.items():
        if name not in arrays:
            diagnostics.add(f"{what} has no array '{name}' of shape {shape_text(shape)}", where)
        elif arrays[name].shape != shape:
            found = shape_text(arrays[name].shape)
            message = f"{what}: {name} has shape {found}; {shape_text(shape)} is needed"
            diagnostics.add(message, where)
        else:
            check_numbers(arrays[name], f"{what}: {name}", where, diagnostics)
