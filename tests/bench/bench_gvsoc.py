"""What the team and the DMA engine cost on GVSoC: python tests/bench/bench_gvsoc.py [--write]

`--write` puts the table into tests/bench/README.md; `--simulator TEXT` says which GVSoC it was.
Needs gvsoc and the compiler of the target (`trainlib-deploy targets`).
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
MARK = "<!-- bench_gvsoc -->"
CORES = (2, 8)
LINE = re.compile(r"bench (\w+) (\d+) (\d+)")

# what is measured → its name in the table, and the most that it may take
NAMES = {
    "barrier": "barrier, team of {}",
    "step": "a Step with an empty kernel, team of {}",
    "run": "fork and join from the fabric controller, team of {}",
    "l2_to_l1": "DMA of {:,} bytes, L2 to L1",
    "l1_to_l2": "DMA of {:,} bytes, L1 to L2",
}


def limit_of(what: str, size: int) -> int | None:
    if what == "barrier":
        return 14
    if what == "step":
        return 40
    return 80 + size // 8 if "l1" in what else None


def measure(cores: int) -> list[tuple[str, int, int]]:
    """(what, cores or bytes, cycles), as the program prints them."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        model = ROOT / "examples" / "digits" / "mlp.yaml"
        deploy = [sys.executable, "-m", "trainlib_deployer", str(model), "-o", str(out)]
        deploy += ["--target", "gvsoc", "--cores", str(cores), "--no-golden", "-q"]
        subprocess.run(deploy, check=True, capture_output=True)
        shutil.copyfile(HERE / "bench_port.c", out / "src" / "main.c")
        (out / "data" / "golden.bin").touch()
        result = subprocess.run(
            ["make", "-s", "run"], cwd=out, check=True, capture_output=True, text=True, timeout=300
        )
    return [(what, int(size), int(count)) for what, size, count in LINE.findall(result.stdout)]


def table(results: list[tuple[str, int, int]]) -> str:
    rows = ["| what | cycles | limit |", "|---|---|---|"]
    for what, size, count in results:
        limit = limit_of(what, size)
        rows.append(f"| {NAMES[what].format(size)} | {count:,} | {f'{limit:,}' if limit else ''} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--simulator", default="GVSoC", help="such as 'GVSoC 111f5a6'")
    arguments = parser.parse_args()
    results: list[tuple[str, int, int]] = []
    for cores in CORES:
        found = measure(cores)
        results += found if cores == CORES[-1] else [row for row in found if "l1" not in row[0]]
    results.sort(key=lambda row: list(NAMES).index(row[0]))
    clang = subprocess.run(["clang-19", "--version"], check=True, capture_output=True, text=True)
    heading = f"PULP-open in {arguments.simulator}, {clang.stdout.splitlines()[0]}:"
    text = f"{MARK}\n{heading}\n\n{table(results)}\n{MARK}\n"
    print(text)
    if arguments.write:
        readme = HERE / "README.md"
        old = readme.read_text(encoding="utf-8")
        new = re.sub(f"{MARK}\n.*{MARK}\n", lambda _: text, old, flags=re.DOTALL)
        readme.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
