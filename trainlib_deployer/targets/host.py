"""host: threads of one process on this machine, one a core."""

from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.targets.base import Target, Tool

TARGET = Target(
    name="host",
    description="threads of one process on this machine, one a core",
    unit="ns",
    measures="each step's wall time; writes outside a step's buffers; sanitizers",
    default_device=DeviceSpec(target="host", cores=8, l1_bytes=64 * 1024, l2_bytes=512 * 1024),
    max_cores=16,
    tools=(Tool("cc", "gcc libc6-dev", variable="CC"), Tool("make", "make")),
)
