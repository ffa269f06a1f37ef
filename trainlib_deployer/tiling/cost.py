"""What tiles cost: cycles of kernels, of transfers, and of both at the same time.

The figures are those of PULP-open in GVSoC (tests/bench/README.md), the one target that counts
cycles; other targets get the same tiles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

TRANSFER_CYCLES = 45.0  # from starting a transfer to its first bytes
ISSUE_CYCLES = 50.0  # core 0 computes where it goes, and starts one
ROW_CYCLES = 1.0  # each further row of a 2-D transfer
BYTES_PER_CYCLE = 8.0
TILE_CYCLES = 260.0  # barrier, indices and the call
STEP_CYCLES = 300.0  # its code comes from L2 when it begins; the same again where it has transfers
FAR_CYCLES = 210.0  # HyperRAM: from starting a transfer to its first byte
FAR_ISSUE_CYCLES = 220.0  # core 0 starts one
FAR_READ_CYCLES, FAR_WRITE_CYCLES = 1.0, 1.25  # a byte


@dataclass(frozen=True)
class Transfers:
    """Some transfers: how many, and the rows and bytes of all."""

    count: float = 0.0
    rows: float = 0.0
    bytes: float = 0.0

    def __add__(self, other: Transfers) -> Transfers:
        return Transfers(self.count + other.count, self.rows + other.rows, self.bytes + other.bytes)

    def __mul__(self, factor: float) -> Transfers:
        return Transfers(self.count * factor, self.rows * factor, self.bytes * factor)

    @property
    def cycles(self) -> float:
        """How long the engine works on them."""
        more_rows = max(0.0, self.rows - self.count)
        return self.count * TRANSFER_CYCLES + more_rows * ROW_CYCLES + self.bytes / BYTES_PER_CYCLE


@dataclass(frozen=True)
class TileCost:
    """One kind of tile, of which there are `count`."""

    count: int
    compute: float
    fetched: Transfers
    stored: Transfers


def engine_cycles(fetched: Transfers, stored: Transfers) -> float:
    """How long the engine works on both: each way has a port of its own."""
    return max(fetched.cycles, stored.cycles)


def far_cycles(count: int, writes: bool) -> float:
    """A transfer of so many bytes between L3 and L2."""
    return FAR_CYCLES + count * (FAR_WRITE_CYCLES if writes else FAR_READ_CYCLES)


def step_cycles(costs: Sequence[TileCost], overlap: bool) -> float:
    """The cycles of all tiles of a Step, first fetch and last store included."""
    transfers = any(cost.fetched.count + cost.stored.count for cost in costs)
    total = STEP_CYCLES * (2 if transfers else 1)
    for cost in costs:
        issue = (cost.fetched.count + cost.stored.count) * ISSUE_CYCLES
        if overlap:
            moved = engine_cycles(cost.fetched, cost.stored)
            total += cost.count * (issue + max(cost.compute, moved))
        else:
            moved = cost.fetched.cycles + cost.stored.cycles
            total += cost.count * (cost.compute + issue + moved)
    tiles = sum(cost.count for cost in costs)
    if tiles > 1:
        total += tiles * TILE_CYCLES
    if overlap and costs:
        total += costs[0].fetched.cycles + costs[-1].stored.cycles
    return math.ceil(total)
