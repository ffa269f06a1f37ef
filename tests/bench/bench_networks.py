"""What one training step of the examples needs: python -m tests.bench.bench_networks [--write]

For each example: planning time (CPU seconds of this process, the graph read already), what each
level takes against the most bytes alive at one time, and what the passes save. For DS-CNN: how low
the peak gets, and at which cost. `--write` puts the tables into tests/bench/README.md.
"""

from __future__ import annotations

import platform
import re
import sys
import time
from pathlib import Path

from trainlib_deployer.errors import DoesNotFitError
from trainlib_deployer.memory.fit import Remat, Shrinking
from trainlib_deployer.memory.plan import LevelUse
from trainlib_deployer.pipeline import plan_project, remat_frontier
from trainlib_deployer.project import Project
from trainlib_deployer.spec.model import DeviceOptions

ROOT = Path(__file__).resolve().parents[2]
README = Path(__file__).with_name("README.md")
LARGE = DeviceOptions(l1_bytes=1 << 23, l2_bytes=0)
KIB = 1024


def kib(count: int) -> str:
    return f"{count / KIB:,.1f}"


def examples_table() -> str:
    rows = [
        "| example | CPU s | L1 KiB | L2 KiB | smallest | plain KiB | with all passes KiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for spec in sorted((ROOT / "examples").rglob("*.yaml")):
        started = time.process_time()
        project = plan_project(spec, DeviceOptions())
        seconds = time.process_time() - started
        uses = project.memory.levels
        smallest = all(use.proven_optimal for use in uses.values())
        rows.append(
            f"| {spec.parent.name}/{spec.stem} | {seconds:.2f} | {level(uses['l1'])}"
            f" | {level(uses['l2'])} | {'proven' if smallest else 'no'}"
            f" | {kib(project.savings[0].before)} | {kib(tight(spec))} |"
        )
        print(rows[-1], file=sys.stderr, flush=True)
    return "\n".join(rows)


def level(use: LevelUse) -> str:
    return f"{kib(use.used)} (bound {kib(use.lower_bound)})" if use.used else "-"


def tight(spec: Path) -> int:
    """The least single level that holds everything without making anything again."""
    best = plan_project(spec, LARGE).memory.levels["l1"].used
    while True:
        options = DeviceOptions(l1_bytes=best - 8, l2_bytes=0)
        try:
            project = plan_project(spec, options, shrinking=Shrinking(("rematerialise",)))
        except DoesNotFitError:
            return best
        best = project.memory.levels["l1"].used


def ds_cnn_table() -> str:
    spec = ROOT / "examples" / "mlperf_tiny" / "ds_cnn.yaml"
    rows = ["| what | KiB | extra MAC |", "|---|---|---|"]
    plain = plan_project(spec, LARGE)
    rows += [f"| after `{s.name}` | {kib(s.after)} | - |" for s in plain.savings]
    rows.append(f"| with gradients in slices: all in one level | {kib(tight(spec))} | - |")
    macs = sum(step.macs for step in plain.schedule.steps)
    for point in remat_frontier(plain)[1:]:
        project = at(spec, point.peak)
        used = project.memory.levels["l1"].used
        share = 100 * point.extra_macs / macs
        dropped = ", ".join(point.dropped)
        work = f"{point.extra_macs:,} ({share:.1f} %)"
        rows.append(f"| `--remat`, making {dropped} again | {kib(used)} | {work} |")
    return "\n".join(rows)


def at(spec: Path, peak: int) -> Project:
    """Everything in one level, as low as the frontier says."""
    shrinking = Shrinking(remat=Remat(peak_bytes=peak))
    return plan_project(spec, LARGE, shrinking=shrinking)


def main() -> None:
    tables = {"bench_networks": examples_table(), "bench_ds_cnn": ds_cnn_table()}
    print(f"Python {platform.python_version()}, {platform.machine()}")
    print(*tables.values(), sep="\n\n")
    if "--write" in sys.argv:
        text = README.read_text(encoding="utf-8")
        for mark, table in tables.items():
            begin, end = f"<!-- {mark} -->\n", f"<!-- end {mark} -->"
            text = re.sub(f"{begin}.*?{end}", f"{begin}{table}\n{end}", text, flags=re.DOTALL)
        README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
