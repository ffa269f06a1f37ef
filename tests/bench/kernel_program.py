"""A program that runs calls of kernels on a target and counts each: written, built and run."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from trainlib_deployer.ir.dtype import DType
from trainlib_deployer.ir.step import Step
from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.render.code_view import c_number
from trainlib_deployer.render.project import write_project
from trainlib_deployer.resources import templates_root
from trainlib_deployer.spec.model import DeviceOptions
from trainlib_deployer.targets.gvsoc import TARGET as GVSOC
from trainlib_deployer.tuning.kernels import Kernel

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parents[1] / "examples" / "digits" / "mlp.yaml"
L1_BYTES = GVSOC.default_device.available("l1")
ALIGNMENT = 16
_LINE = re.compile(r"bench (\d+) (\d+) (\d+)")


@dataclass(frozen=True)
class Job:
    """What is counted as one: Steps one after the other, all by the same kernel."""

    name: str
    steps: tuple[Step, ...]
    kernel: Kernel

    @property
    def step_name(self) -> str:
        """Without the layer: `fw`, or `fw.moments` where a phase has several."""
        return self.steps[0].name.partition(".")[2]

    @property
    def macs(self) -> int:
        return sum(step.macs for step in self.steps)


@dataclass(frozen=True)
class Place:
    """Where the operands of a Step lie in L1; None: no operand."""

    offsets: tuple[int | None, ...]
    end: int
    indices: int


def place(step: Step) -> Place:
    """One operand behind the other, class indices first."""
    offsets: dict[int, int] = {}
    end = 0
    tensors = [(i, o.tensor) for i, o in enumerate(step.operands) if o.tensor]
    for index, tensor in sorted(tensors, key=lambda item: item[1].dtype is not DType.I32):
        offsets[index] = end
        end += -(-tensor.bytes // ALIGNMENT) * ALIGNMENT
    if end > L1_BYTES:
        raise ValueError(f"{step.name}, {step.comment}: {end} bytes do not fit L1")
    indices = sum(tensor.count for _, tensor in tensors if tensor.dtype is DType.I32)
    return Place(tuple(offsets.get(i) for i in range(len(step.operands))), end, indices)


def _call(kernel: Kernel, step: Step) -> str:
    """With the Step's constants, as in a project where its shape never changes."""

    def pointer(tensor: Tensor | None, offset: int | None) -> str:
        return f"AT({tensor.dtype.c_name}, {offset})" if tensor else "0"

    offsets = place(step).offsets
    operands = [pointer(o.tensor, at) for o, at in zip(step.operands, offsets, strict=True)]
    fields = ", ".join(f".{name} = {c_number(value)}" for name, value in step.fields.items())
    shape = f"&(const tl_{step.op}){{{fields}}}"
    return f"{kernel.function}({', '.join([shape, *operands])})"


def source_text(jobs: Sequence[Job], *, cores: int, passes: int, shift: int) -> str:
    """The program in C; `shift` bytes lie in front of all of its code."""
    rows = []
    for job in jobs:
        calls = [_call(job.kernel, step) for step in job.steps]
        places = [place(step) for step in job.steps]
        rows.append(
            {
                "comment": f"{job.name}: {job.steps[0].comment}",
                "body": [line for call in calls for line in ("tl_barrier()", call)][1:],
                "words": max(p.end for p in places) // 4,
                "indices": max(p.indices for p in places),
            }
        )
    environment = Environment(
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # C, not HTML
    )
    return environment.get_template("bench_kernels.c.j2").render(
        headers=sorted({job.kernel.header for job in jobs}),
        rows=rows,
        cores=cores,
        passes=passes,
        shift=shift,
        l1_bytes=L1_BYTES,
    )


@contextlib.contextmanager
def program_folder(target: str) -> Iterator[Path]:
    """A project of the target with the whole library and no program; it goes in the end."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        options = DeviceOptions(cores=1, l1_bytes=64 * 1024)
        write_project(plan_project(EXAMPLE, options, target=target), out, golden=False, force=False)
        shutil.rmtree(out / "src")
        (out / "src").mkdir()
        shutil.copytree(templates_root() / "lib", out / "lib", dirs_exist_ok=True)
        (out / "data" / "golden.bin").touch()
        yield out


def count(
    folder: Path,
    target: str,
    jobs: Sequence[Job],
    *,
    cores: int,
    passes: int = 1,
    shift: int = 0,
    variables: Mapping[str, str] | None = None,
) -> list[list[int]]:
    """For each job the counts of its passes. `folder` comes from `program_folder`."""
    (folder / "src" / "main.c").write_text(
        source_text(jobs, cores=cores, passes=passes, shift=shift), encoding="utf-8"
    )
    settings = {"TARGET": target, "NET_CORES": str(cores), **(variables or {})}
    result = subprocess.run(
        ["make", "-s", *(f"{key}={value}" for key, value in settings.items()), "run"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    found = {(int(r), int(p)): int(c) for r, p, c in _LINE.findall(result.stdout)}
    if result.returncode or len(found) != len(jobs) * passes:
        raise RuntimeError(f"the program failed on {target}:\n{result.stdout}{result.stderr}")
    return [[found[number, p] for p in range(passes)] for number in range(len(jobs))]
