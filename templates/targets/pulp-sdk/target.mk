# pulp-sdk: PULP-open the way of the PULP SDK, whose rules compile, link and run.
#   source pulp-sdk/configs/pulp-open.sh; make clean all run
# platform=… passes through; NUM_CORES=… or CORE=… runs with fewer cores than planned.
SIZE := riscv32-unknown-elf-size
TARGET_MAX_CORES := 8
TARGET_L1_BYTES := 65536
TARGET_L1_RESERVED := 8192
TARGET_L2_BYTES := 524288
TARGET_L2_RESERVED := 262144
TARGET_L3_BYTES := 8388608
TARGET_SOURCES := target/pulp-sdk/port.c target/pulp-sdk/files.c target/pulp-sdk/ram.c

SDK_CORES := $(or $(NUM_CORES),$(CORE),$(NET_CORES))
ifdef NET_CORES
ifneq ($(words $(SDK_CORES)) $(filter $(SDK_CORES),$(wordlist 1,$(NET_CORES),1 2 3 4 5 6 7 8)),1 $(SDK_CORES))
$(error the plan is for $(NET_CORES) cores: NUM_CORES is 1 to $(NET_CORES), not '$(SDK_CORES)')
endif
endif

SDK_CFLAGS := -O3 -g -DTL_TEAM_SIZE=$(SDK_CORES) -DTL_L3_BYTES=$(or $(NET_L3_BYTES),0) -ffp-contract=$(if $(EXACT),off,fast)
# for the comparison of the built program with the plan
SDK_L1 := 268435456
SDK_LDFLAGS = -Wl,--defsym=tl_l1_start=$(SDK_L1) -Wl,--defsym=tl_l1_end=$(SDK_L1)+$(NET_L1_CAPACITY)
SDK_LDFLAGS += -Wl,--section-start=.tl_l3=0x40000000
# the SDK's rules do not see a change of options: each choice has a folder
SDK_BUILD = $(BUILD)/$(SDK_CORES)_cores_$(CHECK)$(if $(EXACT),_exact)$(if $(platform),_$(platform))
# CONFIG_HYPERFLASH brings what the SDK's file systems link with, CONFIG_HYPERRAM the external RAM
ifdef RULES_DIR
SDK = $(MAKE) --no-print-directory -f $(RULES_DIR)/pmsis_rules.mk APP=$(notdir $(PROGRAM)) CONFIG_HYPERFLASH=1 CONFIG_HYPERRAM=1
SDK += APP_SRCS='$(SOURCES)' APP_CFLAGS='$(CPPFLAGS) $(SDK_CFLAGS)' TARGET_BUILD_DIR=$(CURDIR)/$(SDK_BUILD)
SDK += APP_LDFLAGS='$(SDK_LDFLAGS)'
TARGET_LINK = +@$(SDK) build && cp $(SDK_BUILD)/$(notdir $@)/$(notdir $@) $@
# the simulator works in its build folder and finds data/ there
TARGET_RUN = run() { ln -sfn $(CURDIR)/data $(SDK_BUILD)/data && $(SDK) run; }; run
else
TARGET_LINK = @echo "target pulp-sdk needs the PULP SDK: source pulp-sdk/configs/pulp-open.sh" >&2; exit 1
endif
