"""The counter counts every instruction once: programs whose instructions are known."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, deployed, make
from tests.targets.conftest import SIMULATED, ready
from trainlib_deployer.spec.model import DeviceOptions

PROGRAM = """
#include "tl/port.h"
#include "tl/print.h"

#define MEASURE(count)                                  \\
    do {                                                \\
        const uint32_t start = tl_counter();            \\
        __asm__ volatile(".rept " #count "\\n nop\\n .endr"); \\
        tl_print_int((int32_t)(tl_counter() - start));  \\
        tl_print_str("\\n");                            \\
    } while (0)

static void work(void *meet)
{
    if (meet) {
        tl_barrier();
    }
    if (tl_core_id() == tl_num_cores() - 1) {
        for (int i = 0; i < 10; i++) {
            __asm__ volatile(".rept 500\\n nop\\n .endr");
        }
    }
    if (meet) {
        tl_barrier();
    }
}

static uint32_t run(void *meet)
{
    const uint32_t start = tl_counter();

    tl_team_run(work, meet);
    return tl_counter() - start;
}

int main(void)
{
    static int yes;
    uint32_t first;

    tl_team_open(NET_CORES);
    MEASURE(0);
    MEASURE(1);
    MEASURE(2);
    MEASURE(100);
    MEASURE(399);
    first = run(&yes);
    tl_print_str(first == run(&yes) ? "same " : "other ");
    tl_print_int((int32_t)first);
    tl_print_str("\\n");
    tl_team_close();
    tl_exit(0);
    return 0;
}
"""


@pytest.mark.parametrize("name", SIMULATED)
def test_counts_are_exact(name: str, tmp_path: Path) -> None:
    target, out = ready(name), tmp_path / "out"
    cores = min(4, target.max_cores)
    deployed(
        EXAMPLES / "digits" / "mlp.yaml", out, golden=False, options=DeviceOptions(cores=cores)
    )
    shutil.rmtree(out / "src")
    (out / "src").mkdir()
    (out / "src" / "main.c").write_text(PROGRAM.replace("NET_CORES", str(cores)))
    (out / "data" / "golden.bin").touch()
    ran = make(out, "run", f"TARGET={name}")
    assert ran.status == 0, ran.output
    *nops, team = ran.output.splitlines()
    start = int(nops[0])
    assert 0 < start < 100
    assert [int(count) - start for count in nops] == [0, 1, 2, 100, 399]
    # two meetings of the team, the last core 5,000 instructions late: nobody waited actively
    found = re.fullmatch(r"same (\d+)", team)
    assert found and 5000 < int(found[1]) < 5000 + 200 * cores, team
