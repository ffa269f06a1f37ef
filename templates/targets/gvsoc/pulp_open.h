/* The registers of PULP-open that the port uses. Numbers are those of the public documentation and
   of GVSoC's model; a core sees its own event unit and DMA queue at the addresses OWN_*. */

#ifndef PULP_OPEN_H
#define PULP_OPEN_H

#define REGISTER(address) (*(volatile unsigned int *)(address))

/* mhartid: cluster << 5 | core; the fabric controller's cluster is 31 */
#define HART_CORE_MASK 0x1f
#define HART_CLUSTER_SHIFT 5

/* memory */
#define L1_FIRST 0x10000000u
#define L1_LAST 0x10010000u
#define L3_FIRST 0x40000000u /* ours: no core reaches the HyperRAM */

/* cluster control */
#define CLUSTER_FETCH_ENABLE REGISTER(0x10200008) /* a bit a core */
#define CLUSTER_CLOCK_GATE REGISTER(0x10200020)
#define CLUSTER_BOOT_ADDRESS(core) REGISTER(0x10200040 + 4 * (core))
#define CLUSTER_ICACHE_ENABLE REGISTER(0x10201400)

/* event unit: from the controller's side, and the own core's part */
#define CLUSTER_SEND_EVENT(event) REGISTER(0x10200e00 + 4 * (event)) /* a bit a core */
#define OWN_EVENT_MASK REGISTER(0x00204000)
#define OWN_EVENT_WAIT_CLEAR 0x0020403c
#define BARRIER(number) (0x00204200 + 0x20 * (number))
#define BARRIER_CORES(number) REGISTER(BARRIER(number) + 0x00)   /* who must arrive */
#define BARRIER_TARGETS(number) REGISTER(BARRIER(number) + 0x0c) /* who is told */
#define BARRIER_ARRIVE(number) REGISTER(BARRIER(number) + 0x14)  /* and go on */
#define BARRIER_MEET(number) (BARRIER(number) + 0x1c)            /* and sleep until all are here */

/* events of a cluster core */
#define EVENT_WORK 0
#define EVENT_DMA 8
#define EVENT_BARRIER 16

/* DMA: reading the queue brings a number, then come a command, the address in L1, the other one */
#define OWN_DMA_QUEUE REGISTER(0x00204400)
#define OWN_DMA_STATUS REGISTER(0x00204404) /* bit n: transfer n runs; written: give n back */
#define DMA_INTO_L1 (1u << 17)
#define DMA_OUT_OF_L1 0u
#define DMA_INCREMENT (1u << 18)
#define DMA_ROWS (1u << 19) /* then come the bytes of a row and the stride outside L1 */
#define DMA_EVENT (1u << 20)

/* uDMA, and its HyperBus: the registers of transaction 0, then those that all share */
#define UDMA_CLOCK_GATE REGISTER(0x1a102000)
#define UDMA_HYPER 8
#define UDMA_ENABLE (1u << 4)
#define HYPER(offset) REGISTER(0x1a102480 + (offset))
#define HYPER_IN_ADDRESS HYPER(0x00) /* in L2 */
#define HYPER_IN_BYTES HYPER(0x04)
#define HYPER_IN_START HYPER(0x08)
#define HYPER_OUT_ADDRESS HYPER(0x0c)
#define HYPER_OUT_BYTES HYPER(0x10)
#define HYPER_OUT_START HYPER(0x14)
#define HYPER_COMMAND HYPER(0x18)
#define HYPER_READS_MEMORY 5u
#define HYPER_WRITES_MEMORY 1u
#define HYPER_ADDRESS HYPER(0x1c) /* in the HyperRAM */
#define HYPER_STATUS HYPER(0x24)
#define HYPER_UNDER_WAY(status) ((status) >> 1 & 0xffu)
#define HYPER_ROWS HYPER(0x28) /* 1: rows of ROW_BYTES, STRIDE apart in the HyperRAM */
#define HYPER_ROW_BYTES HYPER(0x2c)
#define HYPER_STRIDE HYPER(0x30)
#define HYPER_PAGE_BOUND HYPER(0x400)
#define HYPER_NO_PAGES 4u
#define HYPER_LATENCY HYPER(0x404)
#define HYPER_LATENCY_TWICE HYPER(0x408)
#define HYPER_SELECT_MAX HYPER(0x40c)
#define HYPER_CHIP HYPER(0x420)

/* the controller's interrupt unit */
#define CONTROLLER_IRQ_ENABLE_SET REGISTER(0x1a109804)
#define CONTROLLER_IRQ_STATUS REGISTER(0x1a10980c)
#define CONTROLLER_IRQ_SET REGISTER(0x1a109810)
#define CONTROLLER_IRQ_CLEAR REGISTER(0x1a109814)
#define IRQ_JOINED 0

/* the chip's status register ends the simulation */
#define CHIP_STATUS REGISTER(0x1a1040a0)
#define CHIP_STATUS_VALID (1u << 31)

#ifndef __ASSEMBLER__

/* p.elw: load a word, sleep until the event unit answers */
static inline unsigned int load_event(unsigned int address)
{
    unsigned int value;

    __asm__ volatile(".insn i 0x03, 6, %0, %1, 0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline unsigned int hart_id(void)
{
    unsigned int id;

    __asm__("csrr %0, mhartid" : "=r"(id));
    return id;
}

#endif

#endif
