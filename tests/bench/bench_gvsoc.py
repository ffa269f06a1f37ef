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
TEAM = ("barrier", "step", "run")  # measured for each number of cores
LINE = re.compile(r"bench (\w+) (\d+) (\d+) (\d+)")
Result = tuple[str, int, int, int]  # what, rows, cores or bytes of a row, cycles

# what is measured → its name in the table, and the most that it may take
NAMES = {
    "barrier": "barrier, team of {}",
    "step": "a Step with an empty kernel, team of {}",
    "run": "fork and join from the fabric controller, team of {}",
    "start_l2": "start a copy between L1 and L2, of {}",
    "l2_to_l1": "DMA of {}, L2 to L1",
    "l1_to_l2": "DMA of {}, L1 to L2",
    "l1_with_l2": "DMA of {}, L1 to L2, and as many L2 to L1",
    "start_l3": "start a copy between L2 and L3, of {}",
    "l3_to_l2": "uDMA of {}, L3 to L2",
    "l2_to_l3": "uDMA of {}, L2 to L3",
}


def limit_of(what: str, rows: int, size: int) -> int | None:
    """Rows shorter than 32 bytes have none."""
    if what == "barrier":
        return 14
    if what == "step":
        return 40
    return (
        80 + rows * size // 8
        if "_to_" in what and "l3" not in what and size >= 16 * min(2, rows)
        else None
    )


def name_of(what: str, rows: int, size: int) -> str:
    if what in TEAM:
        return NAMES[what].format(size)
    return NAMES[what].format(f"{size:,} bytes" if rows == 1 else f"{rows} rows of {size:,} bytes")


def measure(cores: int) -> list[Result]:
    """What the program prints."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        model = ROOT / "examples" / "digits" / "mlp.yaml"
        deploy = [sys.executable, "-m", "trainlib_deployer", str(model), "-o", str(out)]
        deploy += ["--target", "gvsoc", "--cores", str(cores), "--no-golden", "-q"]
        deploy += ["--l3", "64k"]
        subprocess.run(deploy, check=True, capture_output=True)
        shutil.copyfile(HERE / "bench_port.c", out / "src" / "main.c")
        (out / "data" / "golden.bin").touch()
        result = subprocess.run(
            ["make", "-s", "run"], cwd=out, check=True, capture_output=True, text=True, timeout=300
        )
    return [
        (what, int(rows), int(size), int(count))
        for what, rows, size, count in LINE.findall(result.stdout)
    ]


def table(results: list[Result]) -> str:
    rows = ["| what | cycles | limit |", "|---|---|---|"]
    for what, row_count, size, count in results:
        limit = limit_of(what, row_count, size)
        name = name_of(what, row_count, size)
        rows.append(f"| {name} | {count:,} | {f'{limit:,}' if limit else ''} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--simulator", default="GVSoC", help="such as 'GVSoC 111f5a6'")
    arguments = parser.parse_args()
    results: list[Result] = []
    for cores in CORES:
        found = measure(cores)
        results += found if cores == CORES[-1] else [row for row in found if row[0] in TEAM]
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
