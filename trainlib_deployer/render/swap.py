"""Put a finished folder in its place at once: the old one stays whole until the new one is."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainlib_deployer.errors import SpecError

MANIFEST = "manifest.json"
GENERATOR = "trainlib-deployer"

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def is_ours(folder: Path) -> bool:
    """Whether a folder is a project that this tool wrote."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("generator") == GENERATOR


def check_output(out: Path, *, force: bool) -> None:
    """Refuse, with SpecError, to overwrite what is not ours, or ours without --force."""
    if not (out.exists() or out.is_symlink()):
        return
    if out.is_symlink() or not out.is_dir():
        raise SpecError(f"{out} exists and is no folder. Choose another one with -o DIR.")
    if not any(out.iterdir()):
        return
    if not is_ours(out):
        raise SpecError(f"{out} is not a project of this tool. Choose another folder with -o DIR.")
    if not force:
        raise SpecError(f"{out} exists. Overwrite it with --force, or choose -o DIR.")


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A new folder to write to; it becomes `out` when the block ends well, else it vanishes."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise SpecError(f"cannot write {out}: {error.strerror}.") from error
    try:
        try:
            yield fresh
        except OSError as error:
            raise SpecError(f"cannot write {out}: {error.strerror or error}.") from error
        fresh.chmod(0o777 & ~_umask())
        _exchange(fresh, out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _exchange(fresh: Path, out: Path) -> None:
    """Swap the two folders; afterwards `fresh` holds the old one, if there was one."""
    if not out.exists():
        fresh.rename(out)
        return
    if _swapped_by_kernel(fresh, out):
        return
    old = fresh.with_name(fresh.name + ".old")
    out.rename(old)
    try:
        fresh.rename(out)
    except BaseException:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _swapped_by_kernel(fresh: Path, out: Path) -> bool:
    """Linux and its file systems can swap two names in one step; others cannot."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    names = (os.fsencode(fresh), os.fsencode(out))
    return bool(rename and rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)
