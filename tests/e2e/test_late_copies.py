"""DELAYED=1 finds what a chip's DMA engine would turn into wrong numbers now and then."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, deployed, make
from trainlib_deployer.spec.model import DeviceOptions

PROGRAM = """
#include "net.h"
#include "tl/port.h"

TL_L1 float near[64];
TL_L2 float far[256];

const char *tl_doing(int core)
{
    (void)core;
    return "c1.fw";
}

static void work(void *unused)
{
    (void)unused;
    if (tl_core_id() == PLANTED_CORE) {
        PLANTED_CODE
    }
    tl_barrier();
}

int main(void)
{
    tl_team_open(NET_CORES);
    tl_team_run(work, 0);
    tl_team_close();
    return 0;
}
"""

GOOD = {
    "one after the other": "tl_copy_wait(tl_copy_1d(near, far, 64)); near[0] = far[0];",
    "columns of one picture": """
        const tl_copy a = tl_copy_2d_in(near, far, 16, 4, 64);
        const tl_copy b = tl_copy_2d_out(far + 4, near + 16, 16, 4, 64);
        tl_copy_wait(b);
        tl_copy_wait(a);""",
    "nothing": "tl_copy_wait(tl_copy_1d(near, far, 0));",
}

BAD = {
    "never waited for": "tl_copy_1d(near, far, 64);",
    "its destination was written before it landed": """
        const tl_copy copy = tl_copy_1d(near, far, 64);
        near[15] = 1.0f;
        tl_copy_wait(copy);""",
    "its source was written before it landed": """
        const tl_copy copy = tl_copy_2d_out(far, near, 16, 4, 64);
        near[15] = 1.0f;
        tl_copy_wait(copy);""",
    "has not landed, and another copy reads its destination": """
        const tl_copy copy = tl_copy_2d_in(near, far, 16, 4, 64);
        tl_copy_wait(tl_copy_1d(far + 128, near + 15, 4));
        tl_copy_wait(copy);""",
    "has not landed, and another copy overwrites its bytes": """
        const tl_copy copy = tl_copy_2d_out(far, near, 16, 4, 64);
        tl_copy_wait(tl_copy_1d(near + 12, far + 128, 8));
        tl_copy_wait(copy);""",
    "waited for twice": """
        const tl_copy copy = tl_copy_1d(near, far, 64);
        tl_copy_wait(copy);
        tl_copy_wait(copy);""",
    "more copies are under way than TL_COPIES_MAX": """
        for (int i = 0; i <= TL_COPIES_MAX + TL_FAR_COPIES_MAX; i++) {
            tl_copy_1d(near + i, far + i, 4);
        }""",
    "source and destination meet": "tl_copy_wait(tl_copy_1d(near, near + 3, 16));",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("late") / "out"
    options = DeviceOptions(cores=2)
    deployed(EXAMPLES / "digits" / "mlp.yaml", out, golden=False, options=options)
    (out / "data" / "golden.bin").touch()
    for name in ("check", "compare", "golden", "guard"):
        (out / "src" / f"{name}.c").unlink()
    hooks = "int net_observed; int net_running[TL_CORES_MAX];\n"
    hooks += "void net_step_begins(int step) { (void)step; }\n"
    hooks += "void net_step_ends(int step) { (void)step; }\n"
    hooks += "void net_gradients_made(int step) { (void)step; }\n"
    hooks += "uint32_t net_computed[TL_CORES_MAX];\n"
    hooks += "uint32_t net_waited;\n"
    (out / "src" / "hooks.c").write_text(f'#include "net_hooks.h"\n{hooks}')
    return out


def run_with(project: Path, code: str, *options: str, core: int = 0) -> tuple[int, str]:
    text = PROGRAM.replace("PLANTED_CODE", code).replace("PLANTED_CORE", str(core))
    (project / "src" / "main.c").write_text(text)
    ran = make(project, "run", "DELAYED=1", *options)
    return ran.status, ran.output


@pytest.mark.parametrize("code", GOOD.values(), ids=GOOD)
def test_copies_as_they_should_be(project: Path, code: str) -> None:
    status, output = run_with(project, code)
    assert status == 0, output


@pytest.mark.parametrize(("message", "code"), BAD.items(), ids=BAD)
def test_a_planted_error_is_one_message_with_the_step(
    project: Path, message: str, code: str
) -> None:
    status, output = run_with(project, code)
    assert status != 0
    lines = [line for line in output.splitlines() if not line.startswith("make")]
    assert len(lines) == 1 and lines[0].startswith(f"copy: in c1.fw: {message}"), output


def test_only_core_0_copies(project: Path) -> None:
    status, output = run_with(project, "tl_copy_1d(near, far, 64);", core=1)
    assert status != 0 and "started by another core" in output


def test_a_read_before_the_copy_has_landed_stops_at_its_line(project: Path) -> None:
    code = """
        const tl_copy copy = tl_copy_1d(near, far, 64);
        volatile int behind_the_compiler = 15; /* it does not check a constant */
        far[128] = near[behind_the_compiler];
        tl_copy_wait(copy);"""
    status, output = run_with(project, code, "SANITIZE=address")
    assert status != 0 and "use-after-poison" in output and "main.c" in output


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    wait_transfers();\n    tl_barrier();", "    tl_barrier();"),
        ("tl_copy_wait(in_flight.copies[--in_flight.count]);", "--in_flight.count;"),
    ],
    ids=["none at barriers", "none at all"],
)
def test_a_wait_that_is_missing_in_a_network_is_found(old: str, new: str, tmp_path: Path) -> None:
    options = DeviceOptions(cores=3, l1_bytes=32 * 1024)
    out = tmp_path / "out"
    deployed(EXAMPLES / "digits" / "cnn.yaml", out, steps=2, options=options)
    source = out / "src" / "net_run.h"
    text = source.read_text()
    assert text.count(old) == 1
    source.write_text(text.replace(old, new))
    ran = make(out, "run", "DELAYED=1")
    assert ran.status != 0
    assert "\ncopy: in " in f"\n{ran.output}", ran.output


@pytest.fixture(scope="module")
def from_l3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose weights come from L3 ahead of time."""
    out = tmp_path_factory.mktemp("from_l3") / "out"
    options = DeviceOptions(cores=2, l1_bytes=16 * 1024, l2_bytes=32 * 1024, l3_bytes=2**20)
    deployed(EXAMPLES / "digits" / "cnn.yaml", out, steps=3, options=options)
    return out


def test_copies_of_l3_start_steps_before_they_are_waited_for(from_l3: Path) -> None:
    body = (from_l3 / "src" / "net.c").read_text().split("static void forward(void)")[1]
    starts = [at for at, line in enumerate(body.splitlines()) if "far_transfer(" in line]
    begins = [at for at, line in enumerate(body.splitlines()) if "begin(STEP_" in line]
    waits = [at for at, line in enumerate(body.splitlines()) if "wait_far(" in line]
    assert starts and waits
    ahead = [
        at for at in starts if any(at < begin < min(w for w in waits if w > at) for begin in begins)
    ]
    assert len(ahead) >= 3
    ran = make(from_l3, "run", "DELAYED=1")
    assert ran.status == 0, ran.output


def test_a_wait_for_l3_that_is_missing_is_found(from_l3: Path) -> None:
    source = from_l3 / "src" / "net.c"
    text = source.read_text()
    waits = [match.start() for match in re.finditer(r"wait_far\(\d", text)]
    try:
        for at in waits[:-1]:
            source.write_text(text[:at] + "(void)" + text[at + len("wait_far") :])
            ran = make(from_l3, "run", "DELAYED=1")
            # another one behind it may do the same
            assert ran.status == 0 or "copy: in " in ran.output or "MISMATCH" in ran.output
        source.write_text(re.sub(r"wait_far\(\d", "(void)(0", text))
        ran = make(from_l3, "run", "DELAYED=1")
        assert ran.status != 0
    finally:
        source.write_text(text)
