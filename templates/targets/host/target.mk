# host: threads of one process, one a core
CC ?= cc
SIZE ?= size
TARGET_MAX_CORES := 16
TARGET_HAS_CHECKERS := yes
TARGET_SOURCES := target/host/port.c target/host/copy$(if $(DELAYED),_delayed).c
# the second definition makes a change of DELAYED build anew
CPPFLAGS += -D_POSIX_C_SOURCE=200809L $(if $(DELAYED),-DDELAYED_COPIES)
CFLAGS += -O$(if $(SANITIZE),1,3) -g -pthread -ffp-contract=$(if $(EXACT),off,fast)
CFLAGS += $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
