"""sources: C files for somebody's own firmware project; nothing runs here."""

from trainlib_deployer.spec.device import DeviceSpec
from trainlib_deployer.targets.base import Target, Tool

TARGET = Target(
    name="sources",
    description="C files and one header for your own firmware project",
    unit="cycles",
    measures="nothing: it compiles here, your project runs it",
    runs=False,
    default_device=DeviceSpec(target="sources", cores=1, l1_bytes=256 * 1024, l2_bytes=0),
    max_cores=16,
    tools=(Tool("cc", "gcc libc6-dev", variable="CC"), Tool("make", "make")),
)
