"""What the Cortex-M targets share."""

from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.targets.base import Target, Tool

_MIB = 2**20


def cortex_m(name: str, *, core: str, machine: str, l1_bytes: int) -> Target:
    """A single core on a machine of QEMU; L1 is SRAM, L2 external RAM."""
    return Target(
        name=name,
        description=f"a single {core} with FPU, QEMU's machine {machine}",
        unit="instructions",
        measures="each step's instructions, exact; the stack's peak; accesses outside a level",
        default_device=DeviceSpec(
            target=name, cores=1, l1_bytes=l1_bytes, l2_bytes=8 * _MIB, reserved_bytes={"l1": 8192}
        ),
        max_cores=1,
        max_bytes={"l1": 4 * _MIB, "l2": 8 * _MIB, "l3": 0},
        tools=(
            Tool("arm-none-eabi-gcc", "gcc-arm-none-eabi", variable="ARM_CC"),
            Tool("qemu-system-arm", "qemu-system-arm", variable="QEMU_ARM"),
            Tool("make", "make"),
        ),
    )
