"""The recorded instructions of `bench_kernels` on qemu-riscv32: a guard against slower code."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.kernel_program import Job
from trainlib_deployer.targets import TARGETS

RECORD = Path(__file__).resolve().parent / "instructions.json"
TARGET = "qemu-riscv32"
UPDATE = f"python -m tests.bench.bench_kernels --target {TARGET} --write"


def compiler() -> str:
    """The counts are this compiler's."""
    command = [TARGETS[TARGET].tools[0].chosen, "--version"]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return result.stdout.splitlines()[0]


def key(job: Job) -> str:
    return f"{job.name}: {job.step_name}"


def write(jobs: Sequence[Job], counts: Sequence[int]) -> None:
    """One hart's instructions a row; a MAC's where there are any."""
    rows = {
        key(job): {
            "instructions": number,
            **({"per_mac": round(number / job.macs, 3)} if job.macs else {}),
        }
        for job, number in zip(jobs, counts, strict=True)
    }
    document = {"compiler": compiler(), "rows": rows}
    RECORD.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return document
