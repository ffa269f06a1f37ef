# gvsoc: PULP-open as GVSoC simulates it; bare metal, Clang and lld alone
CC := clang-19
SIZE := llvm-size-19
TARGET_MAX_CORES := 8
TARGET_L1_BYTES := 65536
TARGET_L1_RESERVED := 10240
TARGET_L2_BYTES := 1572864
TARGET_L2_RESERVED := 327680
TARGET_L3_BYTES := 8388608
TARGET_LINK_SCRIPT := target/gvsoc/link.ld
TARGET_SOURCES := $(addprefix target/gvsoc/,crt0.S port.c hyperram.c runtime.c)
TARGET_SOURCES += target/common/crash.c target/common/semihosting.c target/common/string.c
CPPFLAGS += -Itarget/common
# kernels inline their blocks with constant sizes, so that sums stay in registers: obey `inline`
# far constants cost 17 cycles each: make them of instructions
CPPFLAGS += -mllvm -inlinehint-threshold=5000 -mllvm -riscv-lower-fpimm-cost=3
CFLAGS += --target=riscv32 -march=rv32imc_zfinx -mabi=ilp32 -O3 -g -ffreestanding -ffunction-sections -fdata-sections -falign-functions=16
CFLAGS += -ffp-contract=$(if $(EXACT),off -DTL_EXACT,fast)
# a plan for another target leaves no room for stacks and code: then all that the chip has
PLANNED := $(filter $(TARGET),$(NET_TARGET))
L1_BYTES := $(if $(PLANNED),$(NET_L1_CAPACITY),$(TARGET_L1_BYTES))
L2_BYTES := $(if $(PLANNED),$(NET_L2_CAPACITY),$(TARGET_L2_BYTES))
LDFLAGS += -nostdlib -fuse-ld=lld-19 -Wl,--gc-sections,--enable-non-contiguous-regions -Wl,-T$(TARGET_LINK_SCRIPT) -Wl,--defsym=tl_l1_bytes=$(L1_BYTES),--defsym=tl_l2_bytes=$(L2_BYTES)
TARGET_RUN = sh target/gvsoc/run.sh $(BUILD)/work
