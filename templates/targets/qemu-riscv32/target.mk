# qemu-riscv32: bare harts of QEMU's machine "virt", one a core
RISCV_CC ?= riscv64-unknown-elf-gcc
QEMU_RISCV32 ?= qemu-system-riscv32
CC := $(RISCV_CC)
SIZE := $(RISCV_CC:gcc=size)
TARGET_MAX_CORES := 16
TARGET_L1_BYTES := 67108864
TARGET_L2_BYTES := 134217728
TARGET_L3_BYTES := 268435456
TARGET_FILES := target/qemu-riscv32
TARGET_LINK_SCRIPT := $(TARGET_FILES)/link.ld
TARGET_SOURCES := $(TARGET_FILES)/crt0.S $(TARGET_FILES)/port.c $(TARGET_FILES)/trap.c
TARGET_SOURCES += $(addprefix target/common/,copy_engine.c crash.c semihosting.c string.c)
CPPFLAGS += -Itarget/common
CFLAGS += -march=rv32imafc -mabi=ilp32f -mcmodel=medany -ffreestanding -O3 -g
CFLAGS += -fno-tree-loop-distribute-patterns -ffp-contract=$(if $(EXACT),off,fast)
LDFLAGS += -nostdlib -static -T $(TARGET_LINK_SCRIPT) -Wl,--build-id=none
LDFLAGS += -Wl,--defsym=tl_l1_bytes=$(or $(NET_L1_CAPACITY),0) -Wl,--defsym=tl_l2_bytes=$(NET_L2_CAPACITY)
LDFLAGS += -Wl,--defsym=tl_l3_bytes=$(or $(NET_L3_CAPACITY),0)
LDLIBS += -lgcc
# one instruction a nanosecond of the machine's time: counts are exact and repeatable
TARGET_RUN = $(QEMU_RISCV32) -machine virt -bios none -smp $(NET_CORES) -m 512M -icount shift=0 \
  -display none -monitor none -serial stdio -semihosting-config enable=on,target=native -kernel
