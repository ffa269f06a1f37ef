"""pulp-sdk: PULP-open through the PULP SDK, the way its users build and run."""

from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.targets.base import Target, Tool

_TOOLCHAIN = (
    "install the PULP toolchain (github.com/pulp-platform/pulp-riscv-gnu-toolchain) and put its"
    " bin in PATH"
)
_SDK = "source configs/pulp-open.sh of the PULP SDK (github.com/pulp-platform/pulp-sdk)"

TARGET = Target(
    name="pulp-sdk",
    description="PULP-open through the PULP SDK, on any platform of it",
    unit="cycles",
    measures="each step's cycles, of the slowest core; stack peaks",
    default_device=DeviceSpec(
        target="pulp-sdk",
        cores=8,
        l1_bytes=64 * 1024,
        l2_bytes=512 * 1024,
        # L1: stacks and the SDK's data; L2: program, the SDK's kernel and heap, room for L1's image
        reserved_bytes={"l1": 8 * 1024, "l2": 256 * 1024},
    ),
    max_cores=8,
    max_bytes={"l1": 64 * 1024, "l2": 512 * 1024, "l3": 8 * 2**20},
    macs_per_second=100e3,
    check_modes=("fingerprint", "full"),
    tools=(
        Tool("riscv32-unknown-elf-gcc", "", hint=_TOOLCHAIN),
        Tool("plp_mkflash", "", hint=_SDK),  # of the SDK: in PATH when it is sourced
        Tool("make", "make"),
    ),
)
