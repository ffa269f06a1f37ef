"""How long the digits CNN takes on each target: python tests/bench/bench_targets.py [--write]

The first 200 training steps of the example, with the local checks and the accuracy on 360 test
samples: wall seconds of `make run` (built before), the median of three. Targets whose tools are
missing are left out. `--write` puts the table into the README.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from trainlib_deployer.targets import TARGETS  # noqa: E402

RUNS = 3
LIMITS_S = {"qemu-riscv32": 60}


def tool(*arguments: str) -> str:
    """What the command line prints."""
    command = [sys.executable, "-m", "trainlib_deployer", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout


def row(name: str, cores: int, folder: Path) -> str:
    """One target: the last step's count from its report, then the clock."""
    spec = str(ROOT / "examples" / "digits" / "cnn.yaml")
    device = ["--target", name, "--cores", str(cores)]
    out = ["-o", str(folder / name), "--run", "--json", "-q"]
    report = json.loads(tool(spec, *device, "--steps", "200", *out))
    profile = report["profile"]
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(["make", "-s", "run"], cwd=folder / name, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    limit = LIMITS_S.get(name, "")
    count = f"{profile['total']:,} {profile['unit']}"
    return f"| `{name}` | {cores} | {statistics.median(seconds):.1f} | {limit} | {count} |"


def main() -> None:
    ready = [target for target in TARGETS.values() if target.runs and not target.missing_tools]
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(target.name, min(8, target.max_cores), Path(folder)) for target in ready]
    head = "| target | cores | wall seconds | limit | the last training step |"
    table = "\n".join([head, "|---|---|---|---|---|", *rows])
    print(f"Python {platform.python_version()}, {platform.machine()}")
    print(table)
    if "--write" in sys.argv:
        readme = ROOT / "README.md"
        mark = "<!-- bench_targets -->"
        text = re.sub(rf"{mark}\n(\|.*\n)*", f"{mark}\n{table}\n", readme.read_text())
        readme.write_text(text)


if __name__ == "__main__":
    main()
