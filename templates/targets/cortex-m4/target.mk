# cortex-m4: QEMU's mps2-an386, 4 MiB of SRAM and 16 MiB of PSRAM
MACHINE := mps2-an386
MACHINE_FLAGS := -mcpu=cortex-m4 -mfpu=fpv4-sp-d16
PSRAM := 0x21000000
include target/cortex-m/cortex-m.mk
