"""Builds the C harness once a session and talks to it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainlib_deployer.optimizers.base import Rate
from trainlib_deployer.resources import templates_root
from trainlib_deployer.tuning.kernels import Kernel, all_kernels

Array = npt.NDArray[np.generic]
Given = Array | int | None  # an operand's values, or the number of the one in whose place it lies

HERE = Path(__file__).parent
LIBRARY = templates_root() / "lib"
PORT = templates_root() / "targets" / "host"
FUNCTIONS = ("tl_expf", "tl_expm1f", "tl_logf", "tl_log1pf", "tl_sqrtf")
RATES = ("tl_lr_rate", "tl_momentum_rate", "tl_decayed_rate", "tl_adam_rate")
WARNINGS = ["-Wall", "-Wextra", "-Werror"]


def build(program: Path, *options: str, compiler: str = "gcc") -> None:
    """Compile the library, the host port and the harness."""
    port = [PORT / "port.c", PORT / "copy.c"]
    sources = [HERE / "harness.c", *port, *sorted((LIBRARY / "src").glob("*.c"))]
    paths = [f"-I{folder}" for folder in (LIBRARY, LIBRARY / "include", LIBRARY / "src", PORT)]
    command = [compiler, "-std=c11", *WARNINGS, "-D_POSIX_C_SOURCE=200809L", "-pthread", *options]
    result = subprocess.run(
        [*command, *paths, *map(str, sources), "-o", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def request_bytes(function: int, cores: int, members: bytes, operands: Sequence[Given]) -> bytes:
    """A request as harness.c reads it."""
    words = [np.array([function, cores, len(members) // 4], "<u4").tobytes(), members]
    words.append(np.array(len(operands), "<u4").tobytes())
    for operand in operands:
        if isinstance(operand, np.ndarray):
            words += [np.array(operand.size, "<u4").tobytes(), operand.tobytes()]
        else:
            words.append(np.array(-1 if operand is None else -2 - operand, "<i4").tobytes())
    return b"".join(words)


class Harness:
    """A running harness; it dies, and the test with it, where a sanitizer finds something."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._log = (program.parent / "stderr.txt").open("w+")
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(self._program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )

    def run(
        self,
        kernel: Kernel,
        cores: int,
        fields: Mapping[str, int | float],
        operands: Sequence[Given],
    ) -> list[Array | None]:
        """Call a kernel; the operands as they are afterwards, in the same order; None for those in
        another's place."""
        members = b"".join(
            np.array(value, "<f4" if isinstance(value, float) else "<i4").tobytes()
            for value in fields.values()
        )
        return self._ask(all_kernels().index(kernel), cores, members, operands)

    def apply(self, function: str, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """A function of tl/math.h on many values."""
        index = len(all_kernels()) + FUNCTIONS.index(function)
        members = np.array(values.size, "<i4").tobytes()
        (result,) = self._ask(index, 1, members, [values])
        assert result is not None
        return result.astype(np.float32)

    def rate(self, rate: Rate, lr: float, step: int) -> Array:
        """What a function of tl/rates.h sets."""
        index = len(all_kernels()) + len(FUNCTIONS) + RATES.index(rate.function)
        constants = np.array([lr, *rate.constants], "<f4").tobytes()
        members = np.array(step, "<i4").tobytes() + constants
        (result,) = self._ask(index, 1, members, [np.full(rate.count, np.nan, np.float32)])
        assert result is not None
        return result

    def _ask(
        self, function: int, cores: int, members: bytes, operands: Sequence[Given]
    ) -> list[Array | None]:
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(request_bytes(function, cores, members, operands))
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail()
        answer: list[Array | None] = []
        for operand in operands:
            if not isinstance(operand, np.ndarray):
                answer.append(None)
                continue
            data = self._process.stdout.read(operand.nbytes)
            if len(data) < operand.nbytes:
                self._fail()
            answer.append(np.frombuffer(data, operand.dtype).reshape(operand.shape))
        return answer

    def _fail(self) -> None:
        self._process.wait()
        self._log.seek(0)
        message = self._log.read()
        self._log.seek(0)
        self._log.truncate()
        self._process = self._start()
        raise AssertionError(f"the harness stopped:\n{message[:4000]}")

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        status = self._process.wait()
        self._log.seek(0)
        message = self._log.read()
        self._log.close()
        assert status == 0 and not message, message[:4000]
