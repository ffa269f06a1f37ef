# host: threads of one process, one a core
CC ?= cc
SIZE ?= size
TARGET_MAX_CORES := 16
TARGET_SOURCES := target/host/port.c
CPPFLAGS += -D_POSIX_C_SOURCE=200809L
CFLAGS += -O$(if $(SANITIZE),1,3) -g -pthread -ffp-contract=$(if $(EXACT),off,fast)
CFLAGS += $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
