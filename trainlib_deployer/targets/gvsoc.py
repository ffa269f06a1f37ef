"""gvsoc: PULP-open, 8 RISC-V cores with shared L1, as GVSoC simulates it; no PULP toolchain."""

from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.targets.base import Target, Tool

_GVSOC = "build GVSoC (github.com/gvsoc/gvsoc) with TARGETS=pulp-open, put install/bin in PATH"

TARGET = Target(
    name="gvsoc",
    description="PULP-open, 8 RISC-V cores on one L1, bare metal in the simulator GVSoC",
    unit="cycles",
    measures="each step's cycles, of the slowest core; stack peaks; accesses outside the chip's"
    " memory",
    default_device=DeviceSpec(
        target="gvsoc",
        cores=8,
        l1_bytes=64 * 1024,
        l2_bytes=1536 * 1024,
        # L1: stacks and the runtime's data; L2: code, constants and a sample
        reserved_bytes={"l1": 10 * 1024, "l2": 320 * 1024},
    ),
    max_cores=8,
    max_bytes={"l1": 64 * 1024, "l2": 1536 * 1024, "l3": 8 * 2**20},
    macs_per_second=100e3,
    tools=(
        Tool("gvsoc", "", hint=_GVSOC),
        Tool("clang-19", "clang-19"),
        Tool("ld.lld-19", "lld-19"),
        Tool("make", "make"),
    ),
)
