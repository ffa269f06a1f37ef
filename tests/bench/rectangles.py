"""Random allocation problems with a known packing: pieces of a rectangle, 5 % of it left free."""

from __future__ import annotations

import random
from typing import NamedTuple

from trainlib_deployer.memory.problem import Buffer, Problem

HEIGHT_BYTES = 1 << 20
GRAIN_BYTES = 64  # of sizes
FREE = 0.05
PINWHEELS = 0.1  # of all cuts


class Piece(NamedTuple):
    """Times [first, last) by bytes [low, high)."""

    first: int
    last: int
    low: int
    high: int

    @property
    def area(self) -> int:
        return (self.last - self.first) * (self.high - self.low)


def cut_rectangle(count: int, seed: int, *, unevenly: bool = False) -> Problem:
    """`count` buffers; the capacity is the rectangle's height, so that they are known to fit.

    Pieces are cut in two, or by a pinwheel in five, in proportion to their area. Of the free area,
    odd seeds drop whole pieces and even ones lower every piece by the same part. `unevenly`: every
    piece by a random part, which leaves nothing to recognise the cuts by.
    """
    rng = random.Random(f"{count}/{seed}")
    drops = seed % 2 == 1 and not unevenly
    while True:
        pieces = [Piece(0, max(8, count), 0, HEIGHT_BYTES // GRAIN_BYTES)]
        while len(pieces) < count + (max(1, count // 20) if drops else 0):
            k = rng.choices(range(len(pieces)), [p.area for p in pieces])[0]
            pieces[k : k + 1] = _cut(pieces[k], rng)
        kept = _thinned(pieces, rng) if drops else _shaved(pieces, rng, unevenly=unevenly)
        if len(kept) >= count * 0.97:
            break
    rng.shuffle(kept)
    return Problem(
        tuple(
            Buffer(f"b{k}", (p.high - p.low) * GRAIN_BYTES, p.first, p.last)
            for k, p in enumerate(kept)
        ),
        HEIGHT_BYTES,
    )


def _cut(piece: Piece, rng: random.Random) -> list[Piece]:
    first, last, low, high = piece
    if rng.random() < PINWHEELS and last - first >= 3 and high - low >= 3:
        return _pinwheel(piece, rng)
    if last - first >= 2 and (high - low < 2 or rng.random() < 0.5):
        at = rng.randrange(first + 1, last)
        return [piece._replace(last=at), piece._replace(first=at)]
    if high - low < 2:
        return [piece]
    at = rng.randrange(low + 1, high)
    return [piece._replace(high=at), piece._replace(low=at)]


def _pinwheel(piece: Piece, rng: random.Random) -> list[Piece]:
    """Four pieces around a fifth: no straight cut parts them."""
    first, last, low, high = piece
    a, b = sorted(rng.sample(range(first + 1, last), 2))
    c, d = sorted(rng.sample(range(low + 1, high), 2))
    return [
        Piece(first, b, low, c),
        Piece(b, last, low, d),
        Piece(a, last, d, high),
        Piece(first, a, c, high),
        Piece(a, b, c, d),
    ]


def _thinned(pieces: list[Piece], rng: random.Random) -> list[Piece]:
    """Without pieces that make up the free area, as nearly as whole pieces can."""
    free = FREE * sum(p.area for p in pieces)
    kept = []
    for piece in rng.sample(pieces, len(pieces)):
        if piece.area <= free:
            free -= piece.area
        else:
            kept.append(piece)
    return kept


def _shaved(pieces: list[Piece], rng: random.Random, *, unevenly: bool) -> list[Piece]:
    """Every piece lower by 5 % of its height, or by up to 10 %, rounded at random."""
    kept = []
    for p in pieces:
        free = rng.uniform(0, 2 * FREE) if unevenly else FREE
        height = int((p.high - p.low) * (1 - free) + rng.random())
        if height:
            kept.append(p._replace(high=p.low + height))
    return kept
