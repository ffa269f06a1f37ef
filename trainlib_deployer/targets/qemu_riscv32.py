"""qemu-riscv32: bare RV32 harts with F on QEMU's machine "virt", one a core."""

from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.targets.base import Target, Tool

TARGET = Target(
    name="qemu-riscv32",
    description="bare RV32IMAFC harts of QEMU's machine virt, one a core",
    unit="instructions",
    measures="each step's instructions, of all cores, exact; stack peaks; accesses outside a level",
    default_device=DeviceSpec(
        target="qemu-riscv32", cores=8, l1_bytes=64 * 1024, l2_bytes=512 * 1024
    ),
    max_cores=16,
    max_bytes={"l1": 64 * 2**20, "l2": 128 * 2**20, "l3": 256 * 2**20},
    tools=(
        Tool("riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf", variable="RISCV_CC"),
        Tool("qemu-system-riscv32", "qemu-system-misc", variable="QEMU_RISCV32"),
        Tool("make", "make"),
    ),
)
