"""What a broken program does on a target is told in one message: what, where, in which Step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conftest import deployed, make
from tests.e2e.test_mutations import SPEC
from tests.targets.conftest import SIMULATED, ready
from trainlib_deployer.cli import main
from trainlib_deployer.spec.model import DeviceOptions

L1_BYTES = 24 * 1024
STEP = "c2.fw"
DEEP = """static int deep(volatile int n)
{
    volatile int a[64] = {0};

    return n > 0 ? deep(n + a[n & 63]) + a[3] : 0;
}
"""
LAST = "if (tl_core_id() == tl_num_cores() - 1) "

# what, what is put before the Step's call, what is put before its function, what is told
FAULTS = {
    "behind L1": (
        "volatile int end = tl_l1_end - (char *)l1_arena; POKE(end) = 1;",
        "extern char tl_l1_end[];\n#define POKE(at) (((volatile unsigned char *)l1_arena)[at])\n",
        r"(store|data) access fault at address 0x[0-9a-f]{5}0{3}",
    ),
    "far away": (
        "volatile int far = 0x3000000; far = ((volatile unsigned char *)l1_arena)[far];",
        "",
        r"(load|data) access fault at address 0x[0-9a-f]{8}",
    ),
    "null": (
        "volatile int *volatile nowhere = 0; *nowhere = 1;",
        "",
        r"(store|data) access fault at address 0x00000000",
    ),
    "stack overflow": ("deep(1);", DEEP, r"stack overflow at address 0x[0-9a-f]{8}"),
    "trap": ("__builtin_trap();", "", r"(breakpoint|undefined instruction) at address"),
}


@dataclass(frozen=True)
class Broken:
    """A project in which errors are planted."""

    folder: Path
    cores: int

    def run(self, fault: str, before: str, *options: str) -> str:
        """What `run` says after `fault` was put before a Step's call, on the last core."""
        source = self.folder / "src" / "net.c"
        text = source.read_text()
        head = "static void c2_fw_run(void)\n{\n"
        assert text.count(head) == 1
        source.write_text(text.replace(head, f"{before}{head}    {LAST}{{ {fault} }}\n"))
        try:
            built = make(self.folder, "all")
            result = CliRunner().invoke(main, ["run", str(self.folder), *options])
        finally:
            source.write_text(text)
        assert result.exit_code == 5, built.output + result.output
        assert result.stdout == "" and "Traceback" not in result.output
        return result.stderr


@pytest.fixture(scope="module", params=SIMULATED)
def broken(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Broken:
    target = ready(request.param)
    folder = tmp_path_factory.mktemp("broken")
    (folder / "model.yaml").write_text(SPEC)
    options = DeviceOptions(cores=min(3, target.max_cores), l1_bytes=L1_BYTES)
    deployed(folder / "model.yaml", folder / "out", target=target.name, options=options)
    return Broken(folder / "out", options.cores or 1)


@pytest.mark.parametrize(("fault", "before", "told"), FAULTS.values(), ids=FAULTS)
def test_a_crash_is_told_with_its_address_and_its_step(
    broken: Broken, fault: str, before: str, told: str
) -> None:
    said = broken.run(fault, before)
    place = rf"pc 0x[0-9a-f]{{8}}, core {broken.cores - 1}, in {STEP}\."
    assert re.search(rf"the program crashed: {told}.*{place}", said), said
    assert str(broken.folder / "build") in said


def test_a_hang_is_ended(broken: Broken) -> None:
    said = broken.run("for (volatile int i = 0;; i++) {}", "", "--timeout", "4")
    assert "did not end within 4 s" in said


def test_cores_that_miss_a_barrier_are_a_hang(broken: Broken) -> None:
    if broken.cores == 1:
        pytest.skip("one core misses nobody")
    said = broken.run("tl_barrier();", "", "--timeout", "4")
    assert "did not end within 4 s" in said
