"""cortex-m4: one Cortex-M4 with FPU, QEMU's machine mps2-an386."""

from trainlib_deployer.targets.cortex_m import cortex_m

TARGET = cortex_m("cortex-m4", core="Cortex-M4", machine="mps2-an386", l1_bytes=256 * 1024)
