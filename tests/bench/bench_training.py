"""One training step of MLPerf Tiny's networks: python -m tests.bench.bench_training [--write] …

Deployed, run and compared with PyTorch on each target that is installed; on gvsoc with the cycles
of the whole step and how they are spent: against the kernels alone, against what was predicted, and
with half of L1. And ResNet8 with batch norm in mini-batches of 8, whose tensors live in L3: its
cycles a sample against those of the network without, sample by sample. `--network TEXT` and
`--target NAME` choose; `--json DIR` keeps the reports of `run`. `--write` puts the table into
tests/bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.bench.bench_kernels import compiler, write_table
from trainlib_deployer.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
NEAR = 0.2  # a prediction is good within this part of what was measured


# an L2 that holds them, or one so small that most lives in L3
GVSOC_L2 = {
    "resnet8": ("--l2", "1M"),
    "ds_cnn": ("--l2", "1M"),
    "mobilenet_v1": ("--l2", "752k", "--l3", "8M"),
    "autoencoder": ("--l2", "704k", "--l3", "8M"),
}
GVSOC_ALL = ("--cores", "8", "--l1", "64k", "--l2", "1536k", "--l3", "8M")


@dataclass(frozen=True)
class Case:
    network: str
    target: str
    memory: tuple[str, ...]
    folder: str = "mlperf_tiny"
    samples: int = 1

    @property
    def title(self) -> str:
        batch = f", {self.samples} samples" if self.samples > 1 else ""
        return f"{self.network}{'' if self.folder == 'mlperf_tiny' else f' ({self.folder})'}{batch}"

    @property
    def name(self) -> str:
        return f"{self.title} on {self.target}, {' '.join(self.memory)}"


FOLDED = Case("resnet8", "gvsoc", ("--cores", "8", "--l1", "64k", "--l2", "1M"))
BATCH_NORM = replace(FOLDED, memory=GVSOC_ALL, folder="batch_norm", samples=8)


def cases() -> Iterator[Case]:
    """What must run, and what issue numbers are about: half of L1."""
    for network in GVSOC_L2:
        yield Case(network, "host", ("--l1", "64k", "--l2", "512k", "--l3", "8M"))
        yield Case(network, "host", ("--l1", "16k", "--l2", "2M"))
        yield Case(network, "qemu-riscv32", ("--l1", "64k", "--l2", "4M"))
        for l1 in ("64k", "32k"):
            yield Case(network, "gvsoc", ("--cores", "8", "--l1", l1, *GVSOC_L2[network]))
        if "--l3" in GVSOC_L2[network]:
            yield Case(network, "gvsoc", GVSOC_ALL)
    yield BATCH_NORM


def tool(*arguments: str) -> str:
    """What the command line prints; SystemExit with what it says when it fails."""
    command = [sys.executable, "-m", "trainlib_deployer", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(arguments)}: exit {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def report_of(case: Case) -> tuple[dict[str, Any], float]:
    """The report of `run`, and the CPU seconds that deploying took without golden data."""
    spec = f"examples/{case.folder}/{case.network}.yaml"
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/out"
        options = ("--target", case.target, *case.memory, "--steps", "1", "-o", out, "-q")
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        tool(spec, *options, "--no-golden")
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        return json.loads(tool("run", out, "--json", "-q", "--timeout", "3000")), seconds


def row(case: Case, report: dict[str, Any], seconds: float) -> str:
    used = ", ".join(
        f"{level} {use['used'] / 1024:,.0f}" for level, use in report["memory"].items()
    )
    cells = [case.title, case.target, " ".join(case.memory), used, report["status"]]
    cells.append(f"{seconds:.1f}")
    profile = report.get("profile")
    if profile is None or profile["unit"] != "cycles":
        return f"| {' | '.join([*cells, *['-'] * 4])} |"
    steps, total = profile["steps"], profile["total"]
    macs = sum(step["macs"] for step in steps)
    kernels = sum(step["kernels"] for step in steps)
    near = sum(abs(step["predicted"] - step["count"]) <= NEAR * step["count"] for step in steps)
    cells += [f"{total:,}", f"{macs / total:.2f}", f"{total / kernels:.3f}"]
    return f"| {' | '.join(cells)} | {near} of {len(steps)} |"


def batch_norm_costs(whole: int, folded: int) -> str:
    """The limit is issue 7's."""
    sample = whole / BATCH_NORM.samples
    return (
        f"{BATCH_NORM.title}: {sample:,.0f} cycles a sample, {sample / folded:.2f} x those of"
        f" {FOLDED.title}; the limit is 1.15."
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="", help="only networks whose names hold this")
    parser.add_argument("--target", default="", choices=["", *sorted(TARGETS)])
    parser.add_argument("--json", type=Path, help="a folder for the reports")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--simulator", default="GVSoC", help="such as 'GVSoC 111f5a6'")
    options = parser.parse_args()
    lines = [
        "| network | target | memory | used KiB | against PyTorch | deploy CPU s | cycles"
        " | MAC/cycle | cycles / kernels | predicted within 20 % |",
        "|---" * 10 + "|",
    ]
    print(*lines, sep="\n", flush=True)
    cycles: dict[Case, int] = {}
    for case in cases():
        if options.network not in case.title or options.target not in ("", case.target):
            continue
        report, seconds = report_of(case)
        if options.json:
            options.json.mkdir(parents=True, exist_ok=True)
            parts = [case.folder, case.network, case.target, *case.memory]
            name = "_".join(parts).replace("--", "")
            (options.json / f"{name}.json").write_text(json.dumps(report), encoding="utf-8")
        if case in (FOLDED, BATCH_NORM):
            cycles[case] = report["profile"]["total"]
        lines.append(row(case, report, seconds))
        print(lines[-1], flush=True)
    if len(cycles) == 2:
        lines += ["", batch_norm_costs(cycles[BATCH_NORM], cycles[FOLDED])]
        print(*lines[-2:], sep="\n", flush=True)
    if options.write:
        heading = f"{options.simulator}, {compiler()}:"
        write_table("training", "\n".join([heading, "", *lines]))


if __name__ == "__main__":
    main()
