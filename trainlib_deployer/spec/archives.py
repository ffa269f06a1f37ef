"""Opens .npz files that may be anything."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainlib_deployer.errors import Diagnostics, Location
from trainlib_deployer.spec.nodes import shorten
from trainlib_deployer.spec.sizes import format_bytes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAX_ARRAY_BYTES = 2 * 2**30


def open_arrays(
    path: Path, where: Location | None, diagnostics: Diagnostics, only: tuple[str, ...] = ()
) -> Mapping[str, npt.NDArray[Any]] | None:
    """The arrays of a .npz file by name, `only` those where given; None where it is none."""
    import numpy as np  # late, since --help needs none

    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {
                info.filename.removesuffix(".npy"): info.file_size for info in archive.filelist
            }
        wanted = {name: size for name, size in sizes.items() if name in only or not only}
        with np.load(path, allow_pickle=False) as arrays:
            return _read_arrays(arrays, wanted, path.name, where, diagnostics)
    except OSError as error:
        diagnostics.add(f"{path.name} cannot be read: {error.strerror or error}", where)
    except Exception:  # zipfile and numpy raise a dozen types for damaged files
        diagnostics.add(f"{path.name} cannot be read: it is no .npz archive", where)
    return None


def _read_arrays(
    archive: Mapping[str, Any],
    sizes: Mapping[str, int],
    file: str,
    where: Location | None,
    diagnostics: Diagnostics,
) -> Mapping[str, npt.NDArray[Any]] | None:
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, size in sizes.items():
        array: npt.NDArray[Any] | str = (
            f"it has {format_bytes(size)}; the limit is {format_bytes(MAX_ARRAY_BYTES)}"
            if size > MAX_ARRAY_BYTES
            else _read_array(archive, name)
        )
        if isinstance(array, str):
            diagnostics.add(f"{file}: array {shorten(name)} cannot be read: {array}", where)
            return None
        arrays[name] = array
    return arrays


def _read_array(archive: Mapping[str, Any], name: str) -> npt.NDArray[Any] | str:
    import numpy as np

    try:
        array = archive[name]
    except MemoryError:
        return "it is larger than this machine's memory"
    except Exception as error:  # zlib's, too
        is_object = isinstance(error, ValueError) and "Object arrays" in str(error)
        return "it holds Python objects, not numbers" if is_object else "the file is damaged"
    return array if isinstance(array, np.ndarray) else "it is no array"


def first_bad(bad: npt.NDArray[np.bool_]) -> str | None:
    """The index of the first element that is marked, such as [3, 0, 7]."""
    import numpy as np

    if not bad.any():
        return None
    index = np.unravel_index(int(bad.argmax()), bad.shape)
    return f"[{', '.join(str(int(i)) for i in index)}]"


def check_numbers(
    array: npt.NDArray[Any], what: str, where: Location | None, diagnostics: Diagnostics
) -> bool:
    """Whether every element is a number that a 32-bit float holds; an error where not."""
    import numpy as np

    if array.dtype.kind not in "fiu":
        message = f"{what} has dtype {array.dtype}; floats or integers are needed"
        diagnostics.add(message, where)
        return False
    if array.dtype.kind != "f":
        return True  # the largest 64-bit integer is far below the largest 32-bit float
    with np.errstate(over="ignore"):
        index = first_bad(~np.isfinite(array.astype(np.float32)))
    if index is None:
        return True
    value = array[tuple(int(i) for i in index[1:-1].split(", ") if i)]
    diagnostics.add(f"{what}{index} is {value}; finite 32-bit floats are needed", where)
    return False


def shape_text(shape: tuple[int | str, ...]) -> str:
    """(N, 3, 8, 8) and (N,) as numpy writes them."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
