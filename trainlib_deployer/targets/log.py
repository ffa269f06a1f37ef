"""What a generated program prints, line by line → RunLog.

Lines that begin like ours must be whole; all others (of simulators, sanitizers) are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


class LogError(Exception):
    """A line that begins like one of ours but is damaged, or contradicts the others."""


@dataclass(frozen=True)
class Worst:
    """The element of a tensor that is farthest off."""

    index: int
    got: float
    expected: float


@dataclass(frozen=True)
class TensorCheck:
    """One tensor of training step `step`, compared right after the Step `at` that makes it."""

    step: int
    at: str
    kind: str
    name: str
    error: float
    tolerance: float
    ok: bool
    worst: Worst | None = None


@dataclass(frozen=True)
class MemoryViolation:
    """Step `at` changed a byte outside its outputs; `buffer` is whose it is, if anybody's."""

    step: int
    at: str
    level: str
    offset: int
    buffer: str | None = None


@dataclass(frozen=True)
class FreeRun:
    """The largest difference among the compared losses of the free run."""

    losses: int
    difference: float
    step: int
    tolerance: float
    ok: bool


@dataclass(frozen=True)
class Accuracy:
    """Correct answers on the test data, the device's and the golden model's."""

    correct: int
    samples: int
    golden: int
    ok: bool | None  # None: not judged


@dataclass(frozen=True)
class Evaluation:
    """On held-out data after `step` training steps; `ok` is None where nothing was judged."""

    step: int
    loss: float
    golden_loss: float
    correct: int
    samples: int
    golden_correct: int
    ok: bool | None


@dataclass(frozen=True)
class Decision:
    """Early stopping's after the evaluation of `step`: improves, waits or stops. The run goes on as
    the golden model did; `is_tie`: the device would have done otherwise, and may."""

    step: int
    device: str
    golden: str
    is_tie: bool
    ok: bool


@dataclass(frozen=True)
class StepCount:
    """What one Step took in the last training step; `kernels`: its kernels alone, if it says so."""

    name: str
    count: int
    unit: str
    kernels: int | None = None


@dataclass(frozen=True)
class LevelSize:
    """The arena that the program has in one level."""

    level: str
    used_bytes: int
    capacity_bytes: int


@dataclass(frozen=True)
class StackUse:
    """The most that a core has used of its stack."""

    core: int
    peak_bytes: int
    size_bytes: int


@dataclass(frozen=True)
class NotFinite:
    """The first tensor of training step `step` that is infinite or NaN, made by the Step `at`."""

    step: int
    at: str
    kind: str
    name: str


@dataclass(frozen=True)
class RunLog:
    """A whole run; `result` is None where the output ends early."""

    network: str | None = None
    target: str | None = None
    cores: int | None = None
    levels: tuple[LevelSize, ...] = ()
    checks: tuple[TensorCheck | MemoryViolation, ...] = ()
    losses: tuple[float, ...] = ()
    free_run: FreeRun | None = None
    accuracy: Accuracy | None = None
    evaluations: tuple[Evaluation, ...] = ()
    decisions: tuple[Decision, ...] = ()
    restored: int | None = None
    not_finite: NotFinite | None = None
    profile: tuple[StepCount, ...] = ()
    stacks: tuple[StackUse, ...] = ()
    messages: tuple[str, ...] = ()
    result: str | None = None

    @property
    def tensors(self) -> tuple[TensorCheck, ...]:
        return tuple(check for check in self.checks if isinstance(check, TensorCheck))

    @property
    def violations(self) -> tuple[MemoryViolation, ...]:
        return tuple(check for check in self.checks if isinstance(check, MemoryViolation))

    @property
    def agrees(self) -> bool:
        """Whether everything that was judged is right."""
        judged: list[TensorCheck | FreeRun | Accuracy | Evaluation | Decision | None]
        judged = [*self.tensors, self.free_run, self.accuracy, *self.decisions, *self.evaluations]
        return not self.violations and all(item.ok is not False for item in judged if item)


def parse_log(lines: Iterable[str]) -> RunLog:
    """Read a run's output; LogError where one of our lines is damaged."""
    parser = _Parser()
    for line in lines:
        parser.line(line.rstrip("\r\n"))
    return parser.log()


_FLOAT = r"[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|inf|nan)"
_INT = r"-?\d{1,10}"
_DECISION = "improves|waits|stops"
_OK = r"(?P<ok>ok|MISMATCH)"
_AT = rf"step (?P<step>{_INT}), (?P<at>\S+): "
_TENSOR = r"(?P<kind>[a-z_]+) (?P<name>\S+)"

_COUNTER_RANGE = 2**32  # the counter wraps; programs may print its differences as signed numbers


@dataclass
class _Parser:
    """Collects; each method takes the match of one kind of line."""

    values: dict[str, object] = field(default_factory=dict)
    levels: list[LevelSize] = field(default_factory=list)
    checks: list[TensorCheck | MemoryViolation] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    profile: list[StepCount] = field(default_factory=list)
    stacks: list[StackUse] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def line(self, line: str) -> None:
        for start, pattern, take in _LINES:
            if line.startswith(start):
                match = pattern.fullmatch(line)
                if match is None:
                    raise LogError(f"damaged line in the output: {line[:120]!r}")
                take(self, match)
                return

    def log(self) -> RunLog:
        log = RunLog(
            levels=tuple(self.levels),
            checks=tuple(self.checks),
            losses=tuple(self.losses),
            evaluations=tuple(self.evaluations),
            decisions=tuple(self.decisions),
            profile=tuple(self.profile),
            stacks=tuple(self.stacks),
            messages=tuple(self.messages),
            **self.values,  # type: ignore[arg-type]
        )
        expected = "mismatch" if not log.agrees else "not_finite" if log.not_finite else "ok"
        if log.result is not None and log.result != expected:
            raise LogError(f"the output says 'result {log.result}', but its checks say otherwise")
        return log

    def _once(self, **values: object) -> None:
        for key, value in values.items():
            if key in self.values:
                raise LogError(f"the output gives its {key.replace('_', ' ')} twice")
            self.values[key] = value

    def network(self, match: re.Match[str]) -> None:
        self._once(network=match["name"], target=match["target"], cores=int(match["cores"]))

    def memory(self, match: re.Match[str]) -> None:
        self.levels.append(LevelSize(match["level"], int(match["used"]), int(match["capacity"])))

    def check(self, match: re.Match[str]) -> None:
        step, at = int(match["step"]), match["at"]
        if match["level"]:
            offset = int(match["offset"])
            self.checks.append(MemoryViolation(step, at, match["level"], offset, match["buffer"]))
            return
        worst = None
        if match["worst"]:
            worst = Worst(int(match["worst"]), float(match["got"]), float(match["expected"]))
        error, tolerance = float(match["error"]), float(match["tolerance"])
        is_ok = match["ok"] == "ok"
        self.checks.append(
            TensorCheck(step, at, match["kind"], match["name"], error, tolerance, is_ok, worst)
        )

    def loss(self, match: re.Match[str]) -> None:
        first, values = int(match["first"]), match["values"].split()
        if first != len(self.losses):
            raise LogError(f"loss {first} follows loss {len(self.losses) - 1} in the output")
        self.losses.extend(map(float, values))

    def free_run(self, match: re.Match[str]) -> None:
        self._once(
            free_run=FreeRun(
                int(match["losses"]),
                float(match["difference"]),
                int(match["step"]),
                float(match["tolerance"]),
                match["ok"] == "ok",
            )
        )

    def accuracy(self, match: re.Match[str]) -> None:
        correct, samples, golden = (int(match[key]) for key in ("correct", "samples", "golden"))
        ok = match["ok"] == "ok" if match["ok"] else None
        self._once(accuracy=Accuracy(correct, samples, golden, ok))

    def evaluation(self, match: re.Match[str]) -> None:
        self.evaluations.append(
            Evaluation(
                int(match["step"]),
                float(match["loss"]),
                float(match["golden"]),
                int(match["correct"]),
                int(match["samples"]),
                int(match["right"]),
                match["ok"] == "ok" if match["ok"] else None,
            )
        )

    def decision(self, match: re.Match[str]) -> None:
        verdict = match["verdict"]
        words = match["device"], match["golden"]
        is_tie = verdict == "near tie"
        self.decisions.append(Decision(int(match["step"]), *words, is_tie, verdict != "MISMATCH"))

    def restored(self, match: re.Match[str]) -> None:
        self._once(restored=int(match["step"]))

    def not_finite(self, match: re.Match[str]) -> None:
        found = NotFinite(int(match["step"]), match["at"], match["kind"], match["name"])
        self._once(not_finite=found)

    def step_count(self, match: re.Match[str]) -> None:
        count = int(match["count"]) % _COUNTER_RANGE
        kernels = int(match["kernels"]) % _COUNTER_RANGE if match["kernels"] else None
        self.profile.append(StepCount(match["name"], count, match["unit"], kernels))

    def stack(self, match: re.Match[str]) -> None:
        self.stacks.append(StackUse(*(int(match[key]) for key in ("core", "peak", "size"))))

    def data_message(self, match: re.Match[str]) -> None:
        self.messages.append(match[0])

    def end(self, match: re.Match[str]) -> None:
        self._once(result=match["result"])


_LINES: tuple[tuple[str, re.Pattern[str], Callable[[_Parser, re.Match[str]], None]], ...] = tuple(
    (start, re.compile(pattern), take)
    for start, pattern, take in (
        (
            "check step ",
            rf"check {_AT}(?:{_TENSOR}: error (?P<error>{_FLOAT}),"
            rf" tolerance (?P<tolerance>{_FLOAT}), {_OK}"
            rf"(?: at (?P<worst>\d+): (?P<got>{_FLOAT}), expected (?P<expected>{_FLOAT}))?"
            rf"|MEMORY (?P<level>l[123]) offset (?P<offset>{_INT}) changed outside the step's"
            r" outputs(?:, in (?P<buffer>\S+))?)",
            _Parser.check,
        ),
        ("loss ", rf"loss (?P<first>\d+):(?P<values>(?: {_FLOAT})+)", _Parser.loss),
        (
            "profile ",
            rf"profile (?P<name>\S+) (?P<count>{_INT}) (?P<unit>ns|cycles|instructions)"
            rf"(?:, kernels (?P<kernels>{_INT}))?",
            _Parser.step_count,
        ),
        (
            "free run: ",
            rf"free run: largest difference of (?P<losses>\d+) losses (?P<difference>{_FLOAT})"
            rf" at step (?P<step>\d+), tolerance (?P<tolerance>{_FLOAT}), {_OK}",
            _Parser.free_run,
        ),
        (
            "accuracy ",
            rf"accuracy (?P<correct>\d+) of (?P<samples>\d+), golden (?P<golden>\d+)(?:, {_OK})?",
            _Parser.accuracy,
        ),
        (
            "evaluation ",
            rf"evaluation (?P<step>\d+): loss (?P<loss>{_FLOAT}), golden (?P<golden>{_FLOAT}),"
            rf" correct (?P<correct>\d+) of (?P<samples>\d+), golden (?P<right>\d+)(?:, {_OK})?",
            _Parser.evaluation,
        ),
        (
            "decision ",
            rf"decision (?P<step>\d+): (?P<device>{_DECISION}), golden (?P<golden>{_DECISION}),"
            r" (?P<verdict>ok|near tie|MISMATCH)",
            _Parser.decision,
        ),
        ("restored: ", r"restored: the state after step (?P<step>\d+)", _Parser.restored),
        ("not finite: ", rf"not finite: {_AT}{_TENSOR}", _Parser.not_finite),
        (
            "network ",
            r"network (?P<name>\S+): target (?P<target>\S+), (?P<cores>\d{1,4}) cores",
            _Parser.network,
        ),
        (
            "memory ",
            r"memory (?P<level>l[123]) (?P<used>\d+) of (?P<capacity>\d+) bytes",
            _Parser.memory,
        ),
        (
            "stack core ",
            r"stack core (?P<core>\d{1,4}) (?P<peak>\d+) of (?P<size>\d+) bytes",
            _Parser.stack,
        ),
        ("data: ", r"data: .*", _Parser.data_message),
        ("result ", r"result (?P<result>ok|mismatch|not_finite)", _Parser.end),
    )
)
