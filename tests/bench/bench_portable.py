"""The same kernels on other machines: python -m tests.bench.bench_portable [--write] [--rows TEXT]

For the rows of `bench_kernels`: instructions per MAC on qemu-riscv32 and cortex-m7, one core, and
on the host nanoseconds per thousand MAC beside those of PyTorch and of naive loops (naive.c, same
compiler, -O3), all on one thread, the fastest of many calls. `--write` puts the table into
tests/bench/README.md.
"""

from __future__ import annotations

import argparse
import ctypes
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch.nn import functional
from torch.nn.grad import conv2d_input, conv2d_weight

from tests.bench.bench_kernels import jobs_of, measure, write_table
from tests.bench.kernel_program import Job
from tests.bench.kernel_rows import ROWS

HERE = Path(__file__).resolve().parent
CALLS = 200
SHAPE = (
    "n", "ci", "hi", "wi", "co", "ho", "wo", "kh", "kw", "stride_h", "stride_w", "pad_top",
    "pad_left", "groups",
)  # fmt: skip
LINEAR = dict.fromkeys(SHAPE, 1) | {"pad_top": 0, "pad_left": 0}


class Shape(ctypes.Structure):
    """The struct of naive.c."""

    _fields_ = [(name, ctypes.c_int) for name in SHAPE]


def shape_of(fields: Mapping[str, int | float]) -> dict[str, int]:
    """A linear layer is a convolution of one pixel."""
    return {name: int(fields.get(name, LINEAR[name])) for name in SHAPE}


def fastest(call: Callable[[], object]) -> float:
    """Nanoseconds of the fastest call."""
    best = float("inf")
    for _ in range(CALLS):
        started = time.perf_counter_ns()
        call()
        best = min(best, time.perf_counter_ns() - started)
    return best


def tensors(s: Mapping[str, int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """y or dy, x, w."""
    y = torch.rand(s["n"], s["co"], s["ho"], s["wo"])
    x = torch.rand(s["n"], s["ci"], s["hi"], s["wi"])
    return y, x, torch.rand(s["co"], s["ci"] // s["groups"], s["kh"], s["kw"])


def in_torch(s: Mapping[str, int], phase: str) -> float:
    """Padding is done before the clock starts."""
    y, x, w = tensors(s)
    stride = (s["stride_h"], s["stride_w"])
    down = (s["ho"] - 1) * stride[0] + s["kh"] - s["hi"] - s["pad_top"]
    right = (s["wo"] - 1) * stride[1] + s["kw"] - s["wi"] - s["pad_left"]
    x = functional.pad(x, (s["pad_left"], right, s["pad_top"], down))
    same = {"stride": stride, "groups": s["groups"]}
    calls = {
        "fw": lambda: functional.conv2d(x, w, **same),
        "wg": lambda: conv2d_weight(x, w.shape, y, **same),
        "ig": lambda: conv2d_input(x.shape, w, y, **same),
    }
    with torch.no_grad():
        return fastest(calls[phase])


def in_naive_loops(library: ctypes.CDLL, s: Mapping[str, int], phase: str) -> float:
    shape = Shape(*(s[name] for name in SHAPE))
    kept = tensors(s)
    arguments = [ctypes.byref(shape), *(ctypes.c_void_p(t.data_ptr()) for t in kept)]
    function = getattr(library, f"naive_{phase}")
    return fastest(lambda: function(*arguments))


def naive_library(folder: str) -> ctypes.CDLL:
    path = f"{folder}/naive.so"
    command = ["gcc", "-O3", "-std=c11", "-shared", "-fPIC", str(HERE / "naive.c"), "-o", path]
    subprocess.run(command, check=True)
    return ctypes.CDLL(path)


def rows(jobs: list[Job]) -> Iterator[str]:
    counts = {t: measure(t, jobs, 1, (0,)) for t in ("qemu-riscv32", "cortex-m7", "host")}
    with tempfile.TemporaryDirectory() as folder:
        library = naive_library(folder)
        for index, job in enumerate(jobs):
            phase = job.steps[0].phase.value
            shape = shape_of(job.steps[0].fields)
            parts, thousands = len(job.steps), job.macs / 1000
            cells = [job.name, phase]
            for target in ("qemu-riscv32", "cortex-m7"):
                cells.append(f"{counts[target][index].again / job.macs:.2f}")
            times = (
                counts["host"][index].again,
                parts * in_torch(shape, phase),
                parts * in_naive_loops(library, shape, phase),
            )
            cells += [f"{ns / thousands:,.0f}" for ns in times]
            yield f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default="", help="only rows with this in their names")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        "| case | step | riscv32 instr/MAC | Cortex-M7 instr/MAC | host ns/1000 MAC | PyTorch"
        " | naive loops |",
        "|---" * 7 + "|",
        *rows(jobs_of([row for row in ROWS if options.rows in row.name], 1)),
    ]
    gcc = subprocess.run(["gcc", "--version"], check=True, capture_output=True, text=True)
    heading = f"{platform.machine()}, {gcc.stdout.splitlines()[0]}, PyTorch {torch.__version__}:"
    text = "\n".join([heading, "", *lines])
    print(text)
    if options.write:
        write_table("portable", text)


if __name__ == "__main__":
    main()
