# sources: compiled as a library with CC; your own project brings the rest
TARGET_IS_LIBRARY := yes
CC ?= cc
AR ?= ar
SIZE ?= size
TARGET_MAX_CORES := 16
CFLAGS += -O2 -ffp-contract=$(if $(EXACT),off,fast)
