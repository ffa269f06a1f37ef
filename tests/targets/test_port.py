"""Every port keeps what tl/port.h promises: port_check.c in place of a project's main.c."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, deployed, make
from tests.targets.conftest import ready
from trainlib_deployer.spec.model import DeviceOptions
from trainlib_deployer.targets import TARGETS

PROGRAM = Path(__file__).with_name("port_check.c")


@pytest.mark.parametrize(
    ("name", "cores"),
    [
        ("host", 1),
        ("host", 3),
        ("host", 8),
        ("qemu-riscv32", 1),
        ("qemu-riscv32", 3),
        ("qemu-riscv32", 16),
        ("cortex-m4", 1),
        ("cortex-m7", 1),
        ("gvsoc", 1),
        ("gvsoc", 3),
        ("gvsoc", 8),
    ],
)
def test_the_port_keeps_its_promises(name: str, cores: int, tmp_path: Path) -> None:
    ready(name)
    out = tmp_path / "out"
    l3 = TARGETS[name].max_bytes.get("l3", 2**20)
    options = DeviceOptions(cores=cores, l3_bytes=min(l3, 64 * 1024))
    deployed(EXAMPLES / "digits" / "mlp.yaml", out, target=name, golden=False, options=options)
    (out / "src" / "main.c").write_text(PROGRAM.read_text())
    (out / "data" / "golden.bin").touch()
    if name == "gvsoc":
        # L2 is made of regions of 128 KiB: the copies cross a border
        script = out / "target" / "gvsoc" / "link.ld"
        text = script.read_text()
        assert text.count("*(.bss.tl_l2)") == 1
        script.write_text(text.replace("*(.bss.tl_l2)", ". += 0x1ff00; *(.bss.tl_l2)"))
    ran = make(out, "run")
    assert "port right" in ran.output, ran.output
    assert ran.status == 0
