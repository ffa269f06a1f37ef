"""How long bytes of tensors that live in L3 are in L2: their stays.

A Step works on what is in L2 or nearer. What it needs of L3 comes before it, best while earlier
Steps compute, and what it makes goes back while later ones do. Where L2 has room between two Steps
that use the same bytes, they stay there.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain

import numpy as np

from trainlib_deployer.ir.tensor import Tensor
from trainlib_deployer.memory.homes import Use
from trainlib_deployer.passes.liveness import Life, aligned_bytes, live_bytes
from trainlib_deployer.tiling.cost import far_cycles
from trainlib_deployer.tiling.far_engine import FarEngine


@dataclass(eq=False)
class Stay:
    """Some bytes of a tensor in L2, which the Steps of `uses` work on; alive over [first, last).

    They start to come when Step `first` begins, where `fetched`, and to go when Step `stored` ends.
    """

    uses: dict[int, Use]
    first: int
    last: int
    stored: int | None = None

    def __post_init__(self) -> None:
        self.used = next(iter(self.uses))  # the first Step that works on it
        self.tensor = self.uses[self.used].tensor
        self.bytes = aligned_bytes(self.tensor.bytes)  # of L2
        self.range = self.tensor.root_range

    @property
    def fetched(self) -> Tensor | None:
        """The name under which the first Step reads it; None: that one writes all of it."""
        return self.uses[self.used].read

    @property
    def made(self) -> Tensor | None:
        """The name under which it was written last."""
        written = [use.written for use in self.uses.values() if use.written]
        return written[-1] if written else None

    @property
    def read_cycles(self) -> float:
        return far_cycles(self.tensor.bytes, writes=False)

    @property
    def write_cycles(self) -> float:
        return far_cycles(self.tensor.bytes, writes=True)


@dataclass(frozen=True)
class Setting:
    """What stays are planned for: `cycles` that each Step takes by itself, and where tensors live.
    The `parts` are those of the Schedule."""

    lives: Mapping[str, Life]
    uses: Sequence[Mapping[str, Use]]
    cycles: Sequence[float]
    parts: Sequence[tuple[int, int]]
    homes: Mapping[str, str]

    @property
    def steps(self) -> int:
        return len(self.uses)

    def part(self, step: int) -> int:
        """Where the part begins that a Step belongs to: a prediction must not wait for what only
        the backward pass needs, nor a pass for what only the update does."""
        return max(first for first, _ in self.parts if first <= step)


def plan_stays(setting: Setting, limit: int, held: int) -> tuple[Stay, ...]:
    """Stays with which as little as there can be is waited for; only what cannot be helped takes
    more than `limit` bytes of L2, and more than `held` while bytes wait for the next Step that
    uses them: the rest is for what comes ahead of time."""
    return _Planner(setting, limit, held).plan()


@dataclass
class _Planner:
    setting: Setting
    limit: int
    held: int
    stays: list[Stay] = field(default_factory=list)

    def plan(self) -> tuple[Stay, ...]:
        setting = self.setting
        near = [life for name, life in setting.lives.items() if setting.homes[name] == "l2"]
        self.alive = np.array(live_bytes(near, setting.steps), dtype=np.int64)
        self.starts = list(accumulate(setting.cycles, initial=0.0))
        self._one_a_use()
        self._join()
        earlier = dict(_with_earlier(self.stays))
        again = set(chain.from_iterable(earlier.values()))
        for stay in self.stays:
            stay.stored = self._stored(stay, stay in again)
        self._bring_ahead(earlier)
        self._take_time_to_leave()
        return tuple(sorted(self.stays, key=lambda stay: (stay.first, stay.used)))

    def _one_a_use(self) -> None:
        for index, found in enumerate(self.setting.uses):
            for name, use in found.items():
                if self.setting.homes[name] == "l3":
                    stay = Stay({index: use}, index, index + 1)
                    self.stays.append(stay)
                    self.alive[index] += stay.bytes

    def _join(self) -> None:
        """Bytes stay until the next Step that works on them: what saves most for its room first."""
        head, tail = ({stay: stay for stay in self.stays} for _ in range(2))
        joined = set()
        for before, after in sorted(self._pairs(), key=_worth, reverse=True):
            earlier = head[before]
            between = slice(earlier.last, after.first)
            most = int(self.alive[between].max(initial=0)) + earlier.bytes
            if earlier.last < after.first and most > self.held:
                continue
            self.alive[between] += earlier.bytes
            earlier.uses = {**earlier.uses, **after.uses}
            earlier.last = after.last
            head[tail[after]], tail[earlier] = earlier, tail[after]
            joined.add(after)
        self.stays = [stay for stay in self.stays if stay not in joined]

    def _pairs(self) -> Iterator[tuple[Stay, Stay]]:
        """Stays of the same bytes one after the other, with none of other such bytes between. None
        goes on into the updates: passes, and predictions between them, come before those."""
        update = self.setting.parts[-1][0]
        for after, earlier in _with_earlier(self.stays):
            same_part = earlier and (earlier[-1].used < update) == (after.used < update)
            if same_part and earlier[-1].range == after.range:
                yield earlier[-1], after

    def _stored(self, stay: Stay, again: bool) -> int | None:
        """The last Step that writes it, where its bytes are used `again` after the stay."""
        written = [step for step, use in stay.uses.items() if use.written]
        needed = again or self.setting.lives[stay.tensor.root.name].last == self.setting.steps
        return written[-1] if written and needed else None

    def _bring_ahead(self, earlier: Mapping[Stay, Sequence[Stay]]) -> None:
        """Backwards in time: each begins to come as late as it may to be there when it is used."""
        setting = self.setting
        final = {
            stay: max((o.stored for o in before if o.stored is not None), default=-2)
            for stay, before in earlier.items()
        }
        going = self._going()
        idle = math.inf  # from here on the engine has other work
        for stay in sorted(self.stays, key=lambda stay: -stay.used):
            if not stay.fetched:
                continue
            idle = min(idle, self.starts[stay.used]) - stay.read_cycles
            while going and going[-1][0] >= idle:
                going.pop()
            if going and going[-1][1] > idle:
                # it would have to wait for what has begun to go
                idle = going[-1][0] - 1
            begin = bisect_right(self.starts, idle, hi=stay.used + 1) - 1
            # one Step for what an earlier one has stored to land
            self._begin_at(stay, max(begin, setting.part(stay.used), final[stay] + 2))
            idle = max(idle, self.starts[stay.first])

    def _going(self) -> list[tuple[float, float]]:
        """When the engine takes what is stored to L3, if it has nothing else to do."""
        found: list[tuple[float, float]] = []
        end = 0.0
        for stay in sorted(self.stays, key=lambda stay: stay.stored or 0):
            if stay.stored is not None:
                begin = self.starts[stay.stored + 1]
                end = max(begin, end) + stay.write_cycles
                found.append((begin, end))
        return found

    def _begin_at(self, stay: Stay, earliest: int) -> None:
        while stay.first > earliest and self._has_room(stay.first - 1, stay):
            stay.first -= 1
            self.alive[stay.first] += stay.bytes

    def _take_time_to_leave(self) -> None:
        """Until they have gone their room is not used again, if there is so much."""
        times = play(self.setting, self.stays, wait_for_room=False)
        for stay in self.stays:
            gone = times.gone.get(stay, 0.0)
            end = self.setting.steps
            while stay.last < end and times.begins[stay.last] < gone:
                if not self._has_room(stay.last, stay):
                    break
                self.alive[stay.last] += stay.bytes
                stay.last += 1

    def _has_room(self, step: int, stay: Stay) -> bool:
        return int(self.alive[step]) + stay.bytes <= self.limit


@dataclass(frozen=True)
class Times:
    """When each Step begins, its waiting done, the cycles of all, and when stays have gone."""

    begins: Sequence[float]
    cycles: float
    gone: Mapping[Stay, float]


def play(setting: Setting, stays: Sequence[Stay], *, wait_for_room: bool = True) -> Times:
    """The Steps one after the other, with what each waits for; what is stored holds its room."""
    engine = FarEngine()
    coming: dict[int, list[Stay]] = {}
    leaving: dict[int, list[Stay]] = {}
    for stay in sorted(stays, key=lambda stay: (stay.first, stay.used)):
        if stay.fetched:
            coming.setdefault(stay.first, []).append(stay)
        if stay.stored is not None:
            leaving.setdefault(stay.stored, []).append(stay)
    waits: dict[int, float] = {}
    gone: dict[Stay, float] = {}
    begins = []
    now = 0.0
    for step, cycles in enumerate(setting.cycles):
        for stay in coming.get(step, []):
            now = engine.start(now, stay.read_cycles)
            waits[stay.used] = engine.landed(engine.started)
        now = max(now, waits.get(step, 0.0))
        begins.append(now)
        now += cycles
        for stay in leaving.get(step, []):
            now = engine.start(now, stay.write_cycles)
            gone[stay] = engine.landed(engine.started)
            if wait_for_room and stay.last < setting.steps:
                waits[stay.last] = max(waits.get(stay.last, 0.0), gone[stay])
    return Times(begins, max(now, engine.landed(engine.started)), gone)


def _with_earlier(stays: Sequence[Stay]) -> Iterator[tuple[Stay, list[Stay]]]:
    """Each, and those before it that hold a byte of the same memory, in the order of their use."""
    seen: dict[str, dict[tuple[int, int], list[Stay]]] = {}
    for stay in sorted(stays, key=lambda stay: stay.used):
        ranges = seen.setdefault(stay.tensor.root.name, {})
        first, end = stay.range
        met = [found for (low, high), found in ranges.items() if low < end and first < high]
        yield stay, sorted(chain.from_iterable(met), key=lambda stay: stay.used)
        ranges.setdefault(stay.range, []).append(stay)


def _worth(pair: tuple[Stay, Stay]) -> float:
    """Cycles of the engine that joining saves, for each byte and Step of room."""
    before, after = pair
    saved = before.read_cycles if after.fetched else 0.0
    if before.made and after.made:
        saved += before.write_cycles
    room = before.bytes * (after.first - before.last)
    return saved / room if room else math.inf
