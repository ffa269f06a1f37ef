"""How fast the kernels are: python -m tests.bench.bench_kernels [--target gvsoc] [--write] …

All data in L1, the whole kernel, from barrier to barrier; on gvsoc the second time, and beside it
the first one, when the instruction caches hold nothing of it. There a row is the slowest of four
placements of the code. `--write` puts gvsoc's table into tests/bench/README.md, and qemu-riscv32's
counts into instructions.json, which a test compares; `--simulator TEXT` says which GVSoC it was;
`--rows TEXT` measures only rows whose names hold it; `--variants` measures every kernel that
accepts a row, not only the chosen one.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import kernel_record
from tests.bench.kernel_program import Job, count, program_folder
from tests.bench.kernel_rows import OTHER_ROWS, ROWS, Row, tiles, unavoidable
from trainlib_deployer.ir.step import Step
from trainlib_deployer.targets import TARGETS
from trainlib_deployer.tuning.kernels import Kernel, choose_kernel, kernels_that_take

README = Path(__file__).resolve().parent / "README.md"
SHIFTS = (0, 4, 8, 12)
TEAMS = {1: 0.55, 2: 1.1, 3: 1.6, 4: 2.1, 5: 2.5, 6: 2.8, 7: 3.0}  # the first row's fw
MAC_LIMIT = 1.3  # of loads, stores and FPU operations, for kernels without MAC


def kernels_of(step: Step, cores: int, variants: bool) -> tuple[Kernel, ...]:
    shapes = (step.fields,)
    return kernels_that_take(step, shapes) if variants else (choose_kernel(step, shapes, cores),)


def jobs_of(rows: Sequence[Row], cores: int, variants: bool = False) -> list[Job]:
    """One for each row, phase and kernel."""
    found = []
    for row in rows:
        for step in row.steps:
            parts = tiles(step, row.parts)
            found += [Job(row.name, parts, k) for k in kernels_of(parts[0], cores, variants)]
    return found


@dataclass(frozen=True)
class Count:
    """Of one job: with its code in the caches from the pass before, and the first time."""

    again: int
    first: int


def measure(target: str, jobs: Sequence[Job], cores: int, shifts: Sequence[int]) -> list[Count]:
    """The slowest placement of each job; the fastest pass where wall time is counted."""
    passes = {"ns": 30, "cycles": 2, "instructions": 1}[TARGETS[target].unit]
    with program_folder(target) as folder:
        runs = [
            count(folder, target, jobs, cores=cores, passes=passes, shift=shift) for shift in shifts
        ]
    return [
        Count(max(min(run[i]) for run in runs), max(run[i][0] for run in runs))
        for i in range(len(jobs))
    ]


def mac_table(jobs: Sequence[Job], counts: Sequence[Count], unit: str) -> str:
    """MAC per cycle with what shall be reached; other units a MAC."""
    rows = {row.name: row for row in ROWS}
    in_cycles = unit == "cycles"
    head = "MAC/cycle | first time | limit | PULP-TrainLib" if in_cycles else f"{unit}/MAC"
    lines = [
        f"| case | step | kernel | MAC | {unit} | {head} |",
        "|---" * (9 if in_cycles else 6) + "|",
    ]
    for job, number in zip(jobs, counts, strict=True):
        phase, row = job.steps[0].phase.value, rows[job.name]
        cells = [job.name, _step_name(job), f"`{job.kernel.function}`", f"{job.macs:,}"]
        cells.append(f"{number.again:,}")
        if in_cycles:
            limit, peer = row.goals[phase], row.peer.get(phase)
            cells += [f"{job.macs / number.again:.2f}", f"{job.macs / number.first:.2f}"]
            cells += [f"{limit}", f"{peer}" if peer else "-"]
        else:
            cells.append(f"{number.again / job.macs:.3f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _step_name(job: Job) -> str:
    fused = job.steps[0].fields.get("scale", 1.0) != 1.0
    return job.step_name + (" with sgd" if fused else "")


def other_table(jobs: Sequence[Job], counts: Sequence[Count], unit: str, cores: int) -> str:
    """Cycles of all cores over the operations that cannot be avoided."""
    lines = [
        f"| case | step | kernel | {unit} | loads, stores, FPU operations"
        f" | {unit} x cores / operation | limit | and selections, NaN |",
        "|---" * 8 + "|",
    ]
    for job, number in zip(jobs, counts, strict=True):
        cells = [job.name, _step_name(job), f"`{job.kernel.function}`", f"{number.again:,}"]
        need = unavoidable(job.steps[0])
        if need:
            ratio, of_all = (f"{number.again * cores / count:.2f}" for count in need)
            cells += [f"{need[0]:,}", ratio, f"{MAC_LIMIT}", of_all]
        else:
            cells += ["-"] * 4
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def team_table(target: str, shifts: Sequence[int]) -> str:
    """The first row's forward Step on smaller teams."""
    lines = ["| cores | cycles | MAC/cycle | limit |", "|---|---|---|---|"]
    for cores, limit in TEAMS.items():
        job = jobs_of([ROWS[0]], cores)[0]
        cycles = measure(target, [job], cores, shifts)[0].again
        lines.append(f"| {cores} | {cycles:,} | {job.macs / cycles:.2f} | {limit} |")
    return "\n".join(lines)


def slower_than_four(
    target: str, jobs: Sequence[Job], counts: Sequence[Count], shifts: Sequence[int]
) -> str:
    """Kernels that 8 cores do not do as fast as 4."""
    fours = measure(target, jobs, 4, shifts)
    found = [
        f"{job.name}, {_step_name(job)}: {number.again:,}, on 4 cores {four.again:,}"
        for job, number, four in zip(jobs, counts, fours, strict=True)
        if number.again > four.again
    ]
    return f"Slower than on 4 cores: {'; '.join(found) or 'none'}."


def compiler() -> str:
    result = subprocess.run(["clang-19", "--version"], check=True, capture_output=True, text=True)
    return result.stdout.splitlines()[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--target", default="gvsoc", choices=[t for t in TARGETS if TARGETS[t].runs]
    )
    parser.add_argument("--cores", type=int, help="8 on gvsoc, else 1")
    parser.add_argument("--rows", default="", help="only rows with this in their names")
    parser.add_argument("--shifts", type=int, default=4, help="how many placements")
    parser.add_argument("--variants", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--simulator", default="GVSoC", help="such as 'GVSoC 111f5a6'")
    options = parser.parse_args()
    target = TARGETS[options.target]
    target.require_tools()
    in_cycles = target.unit == "cycles"
    cores = options.cores or (8 if in_cycles else 1)
    shifts = SHIFTS[: options.shifts] if in_cycles else SHIFTS[:1]
    mac_jobs = jobs_of([r for r in ROWS if options.rows in r.name], cores, options.variants)
    others = jobs_of([r for r in OTHER_ROWS if options.rows in r.name], cores, options.variants)
    counts = measure(target.name, [*mac_jobs, *others], cores, shifts)
    tables = []
    if mac_jobs:
        tables.append(mac_table(mac_jobs, counts[: len(mac_jobs)], target.unit))
    if others:
        tables.append(other_table(others, counts[len(mac_jobs) :], target.unit, cores))
    if in_cycles and cores == 8 and options.rows in ROWS[0].name:
        tables.append(f"{ROWS[0].name}, fw, on fewer cores:\n\n{team_table(target.name, shifts)}")
    if in_cycles and cores == 8:
        tables.append(slower_than_four(target.name, [*mac_jobs, *others], counts, shifts))
    text = "\n\n".join(tables)
    print(text)
    if options.write and not options.rows and target.name == kernel_record.TARGET:
        kernel_record.write([*mac_jobs, *others], [number.again for number in counts])
    if options.write and in_cycles and not options.rows:
        write_table("gvsoc", f"{options.simulator}, {compiler()}, {cores} cores:\n\n{text}")


def write_table(name: str, text: str) -> None:
    """Put a table between its marks in the README."""
    begin, end = f"<!-- bench_kernels {name} -->\n", f"<!-- end bench_kernels {name} -->"
    old = README.read_text(encoding="utf-8")
    new = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}{text}\n{end}", old, flags=re.DOTALL)
    README.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
