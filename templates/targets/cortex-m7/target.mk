# cortex-m7: QEMU's mps2-an500, 4 MiB of SRAM and 16 MiB of PSRAM
MACHINE := mps2-an500
MACHINE_FLAGS := -mcpu=cortex-m7 -mfpu=fpv5-sp-d16
PSRAM := 0x60000000
include target/cortex-m/cortex-m.mk
