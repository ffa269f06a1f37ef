"""One part of a problem that shares no time with the rest, and the ways to pack it better."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from trainlib_deployer.memory.budget import Budget
from trainlib_deployer.memory.coarsen import Merging, coarsen
from trainlib_deployer.memory.exact import Outcome, Search
from trainlib_deployer.memory.greedy import Packer
from trainlib_deployer.memory.holes import Holes, all_holes, no_holes, sure_holes
from trainlib_deployer.memory.timeline import Block, loads, sections

_LARGE = 1000  # blocks, from which on a pass over them costs noticeable time
_ATTEMPT_NODES = 5  # what the set-up of an attempt costs for each block, in search nodes
_PATIENCE = 1.5  # how much longer each exact search may take than the one before
_WAY_DOWN = (8, 4, 6, 2)  # eighths of the way to the smallest arena that may exist

# attempts take turns; None: the blocks as they are
_GUESSES: tuple[tuple[Holes, Merging] | None, ...] = (
    (sure_holes, Merging(1.0, 1.0)),
    None,
    (no_holes, Merging(1.0, 1.0, tolerance=0.001)),
    (all_holes, Merging(1.0, 1.0)),
    (no_holes, Merging(1.0, 1.0, by_time=False)),
    (no_holes, Merging(1.0, 1.0)),
    (sure_holes, Merging(1.0, 0.8)),
    (all_holes, Merging(1.0, 0.8)),
    (no_holes, Merging(1.0, 0.8, tolerance=0.01)),
    (no_holes, Merging(0.5, 1.0, by_time=False)),
    (no_holes, Merging(0.7, 0.7)),
    (sure_holes, Merging(0.7, 0.8)),
    (no_holes, Merging(1.0, 0.7, tolerance=0.03)),
    (all_holes, Merging(0.7, 0.8)),
    (no_holes, Merging(0.3, 0.7, by_time=False)),
)


@dataclass
class Part:
    """Blocks that share no time with the rest, and the best that is known of them."""

    members: list[int]  # whose blocks these are
    lives: list[Block]  # in the problem's time
    blocks: list[Block]  # in sections
    count: int
    packer: Packer
    bound: int  # proven: no arena is smaller
    offsets: list[int]
    arena: int
    method: str
    attempts: int = 0

    def take(self, offsets: Sequence[int], method: str) -> None:
        """Keep these offsets if they are the best."""
        settled = self.packer.settle(offsets)
        arena = self.packer.arena(settled)
        if arena < self.arena:
            self.offsets, self.arena, self.method = settled, arena, method


def try_greedy(group: Sequence[Block], budget: Budget) -> Part:
    """The best of the greedy orders; the first of them is tried whatever the budget."""
    lives = [block._replace(parts=((k, 0),)) for k, block in enumerate(group)]
    blocks, count = sections(lives)
    members = [block.parts[0][0] for block in group]
    bound = max(loads(blocks, count))
    part = Part(members, lives, blocks, count, Packer(blocks, count), bound, [], 1 << 62, "")
    large = len(blocks) > _LARGE
    for name, order in part.packer.orders().items():
        for tight in (False, True)[: 1 if large else 2]:
            if part.arena <= part.bound or (part.method and budget.out_of_time()):
                return part
            words = f"greedy by {name}" + (", best fit" if tight else "")
            part.take(part.packer.pack(order, tight=tight), words)
    if not large and part.arena > part.bound:
        _fill(part)
    return part


def _fill(part: Part) -> None:
    """From the bottom up, without a limit to the height."""
    search = Search(part.blocks, part.count, 2 * part.bound)
    if search.run(30 * len(part.blocks), Budget(1 << 40), None) is Outcome.SOLVED:
        part.take(_unmerged(search.blocks, search.offset), "greedy from the bottom up")


def try_search(part: Part, enough: int, budget: Budget) -> None:
    """One attempt to lower the part's arena to `enough`, or to prove that it cannot be."""
    if not budget.spend(_ATTEMPT_NODES * len(part.blocks)):
        return
    turn, number = divmod(part.attempts, len(_GUESSES))
    guess = _GUESSES[number]
    if guess is None:
        _search(part, part.arena - 1 if turn % 2 else enough, turn, budget)
    else:
        _guess(part, _target(part, enough), guess, budget)
    part.attempts += 1


def _search(part: Part, capacity: int, turn: int, budget: Budget) -> None:
    """The blocks as they are: it may also prove that the capacity does not suffice."""
    limit = int((500 + 5 * len(part.blocks)) * _PATIENCE**turn)
    while part.bound <= capacity < part.arena:
        search = Search(part.blocks, part.count, capacity)
        outcome = search.run(limit, budget, None)
        if outcome is Outcome.SOLVED:
            part.take(_unmerged(search.blocks, search.offset), "branch and bound")
        elif outcome is Outcome.IMPOSSIBLE:
            part.bound = capacity + 1
            capacity = part.arena - 1  # is what is known the best?
        else:
            return


def _guess(part: Part, capacity: int, guess: tuple[Holes, Merging], budget: Budget) -> None:
    """Merged blocks, with guessed holes as blocks of their own."""
    turn = part.attempts // len(_GUESSES)
    rng = random.Random(part.attempts)
    find_holes, merging = guess
    whole = [*part.lives, *find_holes(part.lives, capacity, rng)]
    blocks, count = coarsen(whole, rng, merging, capacity)
    search = Search(blocks, count, capacity)
    limit = 1000 + 5 * len(blocks) + 30 * part.attempts
    if search.run(limit, budget, rng if turn else None) is Outcome.SOLVED:
        part.take(_unmerged(search.blocks, search.offset), "branch and bound of merged blocks")
    elif find_holes is no_holes:
        packer = Packer(blocks, count)
        limit = min(limit * (1 + turn), 10 * len(blocks) ** 2)  # few have few orders
        placed = packer.squeeze(capacity, budget, limit, rng)
        part.take(_unmerged(blocks, placed), "squeezing of merged blocks")


def _unmerged(blocks: Sequence[Block], placed: Sequence[int]) -> list[int]:
    """The offsets of what the blocks were merged from."""
    found = {
        index: offset + inside
        for block, offset in zip(blocks, placed, strict=True)
        for index, inside in block.parts
    }
    return [found[index] for index in range(len(found))]


def _target(part: Part, lowest: int) -> int:
    """The arena to try next: the smallest, and when that has failed, also a part of the way."""
    if part.attempts < len(_GUESSES) or part.attempts % 2:
        return lowest
    eighths = _WAY_DOWN[part.attempts // 2 % len(_WAY_DOWN)]
    return min(part.arena - 1, part.arena - (part.arena - lowest) * eighths // 8)
