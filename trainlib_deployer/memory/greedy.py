"""Greedy packing: one buffer after another, each into a gap among those already placed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from trainlib_deployer.memory.budget import Budget
from trainlib_deployer.memory.timeline import Block, loads

Key = Callable[[int], tuple[float, ...]]


class Packer:
    """Places blocks in an order; knows who meets whom."""

    def __init__(self, blocks: Sequence[Block], count: int) -> None:
        self.blocks = blocks
        self.load = loads(blocks, count)
        covering: list[list[int]] = [[] for _ in range(count)]
        for k, block in enumerate(blocks):
            for section in range(block.first, block.last):
                covering[section].append(k)
        starting: list[list[int]] = [[] for _ in range(count)]
        for k, block in enumerate(blocks):
            starting[block.first].append(k)
        # alive in k's first section, or starting while k lives
        self.meets = [
            [o for o in covering[block.first] if o != k]
            + [o for s in range(block.first + 1, block.last) for o in starting[s]]
            for k, block in enumerate(blocks)
        ]

    def pack(self, order: Iterable[int], *, tight: bool = False) -> list[int]:
        """Offsets: each block in the lowest gap that holds it, or in the smallest one (`tight`)."""
        offset = [-1] * len(self.blocks)
        size = [block.size for block in self.blocks]
        for k in order:
            need, align = size[k], self.blocks[k].alignment
            taken = sorted(
                [(offset[o], offset[o] + size[o]) for o in self.meets[k] if offset[o] >= 0]
            )
            at, best, best_free = 0, -1, 0
            for start, end in taken:
                free = start - at
                if free >= need:
                    if not tight:
                        best = at
                        break
                    if best < 0 or free < best_free:
                        best, best_free = at, free
                if end > at:
                    at = end if align == 1 else -(-end // align) * align
            offset[k] = at if best < 0 else best
        return offset

    def arena(self, offsets: Sequence[int]) -> int:
        return max((o + b.size for o, b in zip(offsets, self.blocks, strict=True)), default=0)

    def settle(self, offsets: Sequence[int]) -> list[int]:
        """Let every block sink to the lowest gap, the lowest first; never a larger arena."""
        order = sorted(range(len(self.blocks)), key=lambda k: (offsets[k], k))
        return self.pack(order)

    def orders(self) -> dict[str, list[int]]:
        """Static orders, each good for some kind of problem; ties by the order given."""
        blocks, load = self.blocks, self.load
        peak = max(range(len(load)), key=load.__getitem__, default=0)
        pressure = [max(load[b.first : b.last]) for b in blocks]

        def distance(b: Block) -> int:
            return max(b.first - peak, peak - b.last + 1, 0)

        keys: dict[str, Key] = {
            "size": lambda k: (-blocks[k].size, -_length(blocks[k])),
            "area": lambda k: (-blocks[k].size * _length(blocks[k]),),
            "lifetime": lambda k: (-_length(blocks[k]), -blocks[k].size),
            "start": lambda k: (blocks[k].first, -blocks[k].size),
            "end": lambda k: (-blocks[k].last, -blocks[k].size),
            "pressure and size": lambda k: (-pressure[k], -blocks[k].size),
            "pressure and lifetime": lambda k: (-pressure[k], -_length(blocks[k])),
            "distance from the peak": lambda k: (distance(blocks[k]), -blocks[k].size),
        }
        return {name: sorted(range(len(blocks)), key=key) for name, key in keys.items()}

    def squeeze(self, target: int, budget: Budget, limit: int, rng: random.Random) -> list[int]:
        """Pack again and again, what ended too high earlier each time; the best offsets.

        The way of squeaky wheels (Joslin and Clements, 1999): the order is the solution, and the
        trouble that a block made says where it should have been. At most `limit` search nodes.
        """
        order = self.orders()["size"]
        best = offsets = self.pack(order)
        arena = self.arena(best)
        cost = 1 + len(order) // 4  # of packing once, in search nodes
        while arena > target and limit >= cost and budget.spend(cost):
            limit -= cost
            # just what is above the best so far, or also what is half of the way down
            low = arena - 1 if rng.random() < 0.5 else (target + arena) // 2
            rank = {k: float(i) for i, k in enumerate(order)}
            for k, block in enumerate(self.blocks):
                if offsets[k] + block.size > low:
                    rank[k] *= rng.uniform(0.3, 1.0)
            order.sort(key=rank.__getitem__)
            offsets = self.pack(order)
            if self.arena(offsets) < arena:
                best, arena = offsets, self.arena(offsets)
        return best


def _length(block: Block) -> int:
    return block.last - block.first
