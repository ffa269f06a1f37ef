# what the Cortex-M targets share: one core, L1 in SRAM beside stack and data, L2 in external RAM
ARM_CC ?= arm-none-eabi-gcc
QEMU_ARM ?= qemu-system-arm
CC := $(ARM_CC)
SIZE := $(ARM_CC:gcc=size)
TARGET_MAX_CORES := 1
TARGET_L1_BYTES := 4194304
TARGET_L1_RESERVED := 8192
TARGET_L2_BYTES := 8388608
TARGET_L3_BYTES := 0
TARGET_LINK_SCRIPT := target/cortex-m/link.ld
TARGET_SOURCES := $(addprefix target/cortex-m/,startup.c port.c fault.c protect.c)
TARGET_SOURCES += $(addprefix target/common/,copy_engine.c crash.c semihosting.c string.c)
# a plan of this target has reserved what it chose; one of another target gets our default
L1_RUNTIME := $(if $(filter $(TARGET),$(NET_TARGET)),$(NET_L1_RESERVED),$(TARGET_L1_RESERVED))
CPPFLAGS += -Itarget/cortex-m -Itarget/common
CFLAGS += $(MACHINE_FLAGS) -mthumb -mfloat-abi=hard -ffreestanding -O3 -g
CFLAGS += -fno-tree-loop-distribute-patterns -ffp-contract=$(if $(EXACT),off,fast)
LDFLAGS += -nostdlib -static -T $(TARGET_LINK_SCRIPT) -Wl,--build-id=none
LDFLAGS += -Wl,--defsym=tl_psram=$(PSRAM) -Wl,--defsym=tl_l1_runtime=$(L1_RUNTIME)
LDFLAGS += -Wl,--defsym=tl_l1_bytes=$(NET_L1_AVAILABLE) -Wl,--defsym=tl_l2_bytes=$(or $(NET_L2_AVAILABLE),0)
LDLIBS += -lgcc
# 128 ns of the machine's time an instruction: port.c counts by them
TARGET_RUN = $(QEMU_ARM) -machine $(MACHINE) -icount shift=7 -display none -monitor none -serial none \
  -semihosting-config enable=on,target=native -kernel
