"""A project of ours whose Makefile only pretends to build and to run."""

from __future__ import annotations

import functools
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

PLAN: dict[str, Any] = {
    "schema": 1,
    "network": "net",
    "target": "host",
    "cores": 2,
    "steps": [
        {"name": "fc.fw", "layer": "fc", "phase": "fw", "kernel": "tl_linear_fw_f32", "macs": 50},
        {"name": "fc.wg", "layer": "fc", "phase": "wg", "kernel": "tl_linear_wg_f32", "macs": 50},
    ],
    "checks": [
        {"step": 0, "kind": "activation", "name": "fc", "count": 10},
        {"step": 1, "kind": "weight_grad", "name": "fc.weight", "count": 50},
    ],
    "absent": [{"name": "input", "kind": "input_grad", "reason": "nobody needs it"}],
    "memory": {
        "l1": {"level": "l1", "capacity": 1000, "reserved": 0, "used": 900, "lower_bound": 800},
        "l2": {"level": "l2", "capacity": 0, "reserved": 0, "used": 0, "lower_bound": 0},
    },
    "folded": {},
    "state_header_bytes": 8,
    "state": [{"name": "fc.weight", "kind": "weight", "shape": [2, 3], "offset": 8}],
}

GOLDEN: dict[str, Any] = {
    "schema": 1,
    "steps": 2,
    "loss": [1.5, 1.25],
    "accuracy": 0.9,
    "accuracy_compared": True,
    "checked_steps": [0],
    "notes": [],
}

LOG = """\
network net: target host, 2 cores
memory l1 900 of 1000 bytes
check step 0, fc.fw: activation fc: error 1.0e-07, tolerance 1.0e-05, ok
check step 0, fc.wg: weight_grad fc.weight: error 2.0e-07, tolerance 1.0e-05, ok
loss 0: 1.5 1.25
profile fc.fw 100 ns
profile fc.wg 200 ns, kernels 150
free run: largest difference of 2 losses 0.0e+00 at step 0, tolerance 1.0e-03, ok
accuracy 9 of 10, golden 9, ok
result ok
"""

MISMATCH_LOG = LOG.replace(
    "error 2.0e-07, tolerance 1.0e-05, ok",
    "error 5.0e-01, tolerance 1.0e-05, MISMATCH at 7: 1.0e+00, expected 2.0e+00",
).replace("result ok", "result mismatch")


@functools.cache
def compiled(source: str, options: str = "") -> bytes:
    """C to an ELF file: linked with nothing, never run."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/program"
        command = ["gcc", "-x", "c", "-nostdlib", "-static", "-Wl,-e,0", *options.split()]
        command += ["-", "-o", out]
        subprocess.run(command, input=source.encode(), check=True)
        return Path(out).read_bytes()


ARENA = "char l1_arena[900 + 2 * 64];"


def fake_project(
    folder: Path, run: str, *, build: str = "true", log: str = LOG, program: str = ARENA
) -> Path:
    """`run` and `build` are shell commands; the log lies beside them as log.txt.

    `program` is the C source of what the build is said to make.
    """
    (folder / "data").mkdir(parents=True)
    manifest = {"generator": "trainlib-deployer", "target": "host"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "plan.json").write_text(json.dumps(PLAN))
    (folder / "data" / "golden.json").write_text(json.dumps(GOLDEN))
    (folder / "data" / "golden.bin").write_bytes(b"")
    (folder / "build" / "host").mkdir(parents=True)
    (folder / "build" / "host" / "net").write_bytes(compiled(program))
    (folder / "target" / "host").mkdir(parents=True)
    (folder / "target" / "host" / "tl_target.h").write_text("#define TL_GUARD_BYTES 64\n")
    (folder / "log.txt").write_text(log)
    (folder / "program.sh").write_text(f"{run}\n")
    makefile = f"all:\n\t@{build}\nrun: all\n\t@sh ./program.sh\n.PHONY: all run\n"
    (folder / "Makefile").write_text(makefile)
    return folder
