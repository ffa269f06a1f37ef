"""The library by itself: elementary functions, printing, compilers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.kernels.harness import HERE, LIBRARY, PORT, WARNINGS, Harness, build
from trainlib_deployer.tuning.kernels import all_kernels

F32 = np.float32


def sweep(*, negative: bool) -> npt.NDArray[np.float32]:
    """All exponents with many mantissas, subnormals and the edges included."""
    mantissas = np.unique(np.linspace(0, 2**23 - 1, 997).astype(np.uint32))
    bits = (np.arange(255, dtype=np.uint32)[:, None] << 23) | mantissas
    positive = bits.flatten().view(F32)
    return np.concatenate([positive, -positive]) if negative else positive


def errors_in_ulp(got: npt.NDArray[np.float32], exact: npt.NDArray[np.float64]) -> float:
    """The largest error where the exact result is a normal number."""
    normal = (np.abs(exact) >= 2.0**-126) & (np.abs(exact) < 3.4e38)
    ulp = np.spacing(np.abs(exact[normal]).astype(F32)).astype(np.float64)
    return float((np.abs(got[normal].astype(np.float64) - exact[normal]) / ulp).max())


# function, exact result, arguments, the bound that math.h states
BOUNDS = [
    ("tl_expf", np.exp, sweep(negative=True), 2.0),
    ("tl_expm1f", np.expm1, sweep(negative=True), 4.0),
    ("tl_logf", np.log, sweep(negative=False)[1:], 2.0),
    ("tl_log1pf", np.log1p, sweep(negative=False), 4.0),
    ("tl_sqrtf", np.sqrt, sweep(negative=False), 1.0),
]


@pytest.mark.parametrize(("function", "exact", "values", "bound"), BOUNDS, ids=lambda v: str(v)[:9])
@pytest.mark.parametrize("contraction", ["off", "fast"])
def test_an_elementary_function_keeps_its_error_bound(
    function: str, exact: np.ufunc, values: npt.NDArray[np.float32], bound: float,
    contraction: str, harness: Harness, plain_harness: Harness,
) -> None:  # fmt: skip
    chosen = plain_harness if contraction == "fast" else harness
    dense = np.linspace(-90, 90, 200_001).astype(F32)
    values = np.concatenate([values, dense if "exp" in function else np.abs(dense[1:])])
    with np.errstate(all="ignore"):
        wanted = exact(values.astype(np.float64))
        if function in ("tl_logf",):
            keep = values > 0
            values, wanted = values[keep], wanted[keep]
    assert errors_in_ulp(chosen.apply(function, values), wanted) <= bound


def test_elementary_functions_at_the_edges(harness: Harness) -> None:
    inf, nan = np.inf, np.nan
    cases = {
        "tl_expf": ([0.0, inf, -inf, nan, 89.0, -104.0], [1.0, inf, 0.0, nan, inf, 0.0]),
        "tl_expm1f": ([0.0, 1e-30, inf, -inf, nan], [0.0, 1e-30, inf, -1.0, nan]),
        "tl_logf": ([1.0, 0.0, -1.0, inf, nan], [0.0, -inf, nan, inf, nan]),
        "tl_log1pf": ([0.0, 1e-30, -1.0, inf, nan], [0.0, 1e-30, nan, inf, nan]),
        "tl_sqrtf": ([0.0, 4.0, -1.0, inf, nan, 1e-45], [0.0, 2.0, nan, inf, nan, 3.7433921e-23]),
    }
    for function, (values, wanted) in cases.items():
        got = harness.apply(function, np.array(values, F32))
        np.testing.assert_allclose(got, np.array(wanted, F32), rtol=2e-7, err_msg=function)


def test_floats_are_printed_with_seven_digits(tmp_path: Path) -> None:
    build(tmp_path / "harness", "-O1", "-fsanitize=address,undefined")
    random = np.random.default_rng(0)
    bits = random.integers(0, 2**32, 20_000, dtype=np.uint32)
    special = np.array([0.0, -0.0, 1.0, 10.0, 9999999.5, 1e-45, 3.4028235e38, 0.1, -1e-38], F32)
    values = np.concatenate([special, bits.view(F32)])
    values = values[np.isfinite(values)]
    printed = subprocess.run(
        [str(tmp_path / "harness"), "print"],
        input=values.tobytes(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    lines = printed.splitlines()
    assert len(lines) == len(values)
    assert lines[0] == "0.000000e+00" and lines[2] == "1.000000e+00" and lines[3] == "1.000000e+01"
    for line, value in zip(lines, values, strict=True):
        assert float(line) == pytest.approx(float(value), rel=6e-7, abs=0), (line, value)


def test_not_numbers_are_printed_by_name(tmp_path: Path) -> None:
    build(tmp_path / "harness", "-O1")
    values = np.array([np.inf, -np.inf, np.nan], F32)
    printed = subprocess.run(
        [str(tmp_path / "harness"), "print"],
        input=values.tobytes(),
        capture_output=True,
        check=True,
    )
    assert printed.stdout.decode().split() == ["inf", "-inf", "nan"]


# compiler, the tool that lists symbols, options
TOOLCHAINS = [
    ("gcc", "nm", "-std=gnu11 -O2"),
    ("clang-14", "nm", "-std=c11 -O2"),
    (
        "riscv64-unknown-elf-gcc",
        "riscv64-unknown-elf-nm",
        "-std=c11 -O2 -march=rv32imafc -mabi=ilp32f",
    ),
    ("clang-19", "llvm-nm-19", "--target=riscv32 -march=rv32imc_zfinx -mabi=ilp32 -O3"),
]


@pytest.mark.parametrize(("compiler", "nm", "options"), TOOLCHAINS, ids=[t[0] for t in TOOLCHAINS])
def test_the_library_compiles_without_warnings_and_needs_no_libm(
    compiler: str, nm: str, options: str, tmp_path: Path
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    paths = [f"-I{folder}" for folder in (LIBRARY / "include", LIBRARY / "src", PORT)]
    for source in sorted((LIBRARY / "src").glob("*.c")):
        command = [
            compiler,
            *options.split(),
            *WARNINGS,
            "-ffreestanding",
            "-Wdouble-promotion",
            *paths,
        ]
        result = subprocess.run(
            [*command, "-c", str(source), "-o", str(tmp_path / "o.o")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        names = subprocess.run(
            [nm, "-u", str(tmp_path / "o.o")], capture_output=True, text=True, check=True
        ).stdout
        unknown = {line.split()[-1] for line in names.splitlines() if line.split()}
        allowed = {name for name in unknown if name.startswith("tl_")} | {"memcpy", "memset"}
        assert unknown <= allowed | {"_GLOBAL_OFFSET_TABLE_"}, (source.name, unknown - allowed)


def test_every_source_that_kernels_def_names_exists() -> None:
    for kernel in all_kernels():
        assert (LIBRARY / kernel.source).is_file()
        assert kernel.function in (LIBRARY / "include" / kernel.header).read_text()
    lines = (LIBRARY / "kernels.def").read_text().splitlines()
    assert len(all_kernels()) == sum(line.startswith("TL_KERNEL(") for line in lines) > 20
    assert (HERE / "harness.c").is_file()
