"""The trained parameters, named as in `init`, so that they go back into PyTorch.

Norms that are folded into frozen layers come apart again: both are what they were.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trainlib_deployer.errors import Diagnostic, RunFailedError, SpecError
from trainlib_deployer.ir.tensor import Kind


def save_weights(folder: Path, plan: Mapping[str, Any], out: Path) -> None:
    """Turn the blob that the program saved into an .npz; the file appears whole or not at all."""
    blob = folder / "data" / "trained.bin"
    try:
        content = blob.read_bytes()
    except OSError as error:
        raise RunFailedError(f"the program saved no parameters: {blob} is missing.") from error
    arrays = {}
    for item in plan["state"]:
        if item["kind"] not in (Kind.WEIGHT.value, Kind.BUFFER.value):
            continue
        if item["name"].partition(".")[0] in plan["folded"]:
            continue
        count, offset = math.prod(item["shape"]), item["offset"]
        if offset + 4 * count > len(content):
            raise RunFailedError(f"the saved parameters end early: {blob}.")
        values = np.frombuffer(content, "<f4", count, offset)
        arrays[item["name"]] = values.reshape(item["shape"]).astype(np.float32)
    if plan["folded"]:
        arrays |= _unfolded(folder / "data" / "unfolded.npz")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
            fresh = Path(scratch) / "weights.npz"
            np.savez(fresh, **arrays)
            fresh.replace(out)
    except OSError as error:
        raise SpecError(f"cannot write {out}: {error.strerror}.") from error


def _unfolded(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Of folded norms and their layers, from the golden model."""
    try:
        with np.load(path) as file:
            return {name: file[name] for name in file}
    except (OSError, ValueError) as error:
        hint = "Run `make golden` in the project."
        raise RunFailedError(Diagnostic(f"{path} is missing or damaged.", hint=hint)) from error
