"""How long the tool takes: python tests/bench/bench_deploy.py [--write]

Whole processes, CPU seconds (user + system), the median of five runs after a warm-up. `--write`
puts the table into the README.
"""

from __future__ import annotations

import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = 5


def long_network(layers: int) -> str:
    """A spec with that many layers: convolutions and relus, then a classifier."""
    lines = ["name: long_network", "input: {shape: [4, 8, 8]}", "layers:"]
    for index in range((layers - 2) // 2):
        conv = "{type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}"
        lines += [f"  - {conv}", f"  - {{name: r{index}, type: relu}}"]
    lines += ["  - {type: flatten}", "  - {type: linear, out_features: 4}"]
    lines += ["training: {loss: cross_entropy, optimizer: sgd}", "device: {l1: 1M, l2: 4M}"]
    return "\n".join(lines) + "\n"


def cpu_seconds(command: list[str]) -> float:
    """User and system time of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def median(command: list[str]) -> float:
    cpu_seconds(command)
    return statistics.median(cpu_seconds(command) for _ in range(RUNS))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        network = Path(folder) / "long.yaml"
        network.write_text(long_network(200))
        tool = [sys.executable, "-m", "trainlib_deployer"]
        deploy = ["-o", f"{folder}/out", "--force", "--no-golden", "-q"]
        cases = [
            ("`--help`", [*tool, "--help"], "0.3"),
            (
                "deploy the digits CNN, `--no-golden`",
                [*tool, str(ROOT / "examples" / "digits" / "cnn.yaml"), *deploy],
                "0.7",
            ),
            ("deploy a network of 200 layers", [*tool, str(network), *deploy], "5"),
        ]
        rows = [f"| {what} | {median(command):.2f} | {limit} |" for what, command, limit in cases]
    table = "\n".join(["| command | CPU seconds | limit |", "|---|---|---|", *rows])
    print(f"Python {platform.python_version()}, {platform.machine()}")
    print(table)
    if "--write" in sys.argv:
        readme = ROOT / "README.md"
        mark = "<!-- bench_deploy -->"
        text = re.sub(rf"{mark}\n(\|.*\n)*", f"{mark}\n{table}\n", readme.read_text())
        readme.write_text(text)


if __name__ == "__main__":
    main()
