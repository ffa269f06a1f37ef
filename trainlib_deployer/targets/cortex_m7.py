"""cortex-m7: one Cortex-M7 with FPU, QEMU's machine mps2-an500."""

from trainlib_deployer.targets.cortex_m import cortex_m

TARGET = cortex_m("cortex-m7", core="Cortex-M7", machine="mps2-an500", l1_bytes=512 * 1024)
