"""Requests to the kernel harness, kept with the host's answers, to ask a target the same."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.conftest import EXAMPLES, deployed, make
from tests.kernels.harness import HERE, LIBRARY, Array, Given, Harness, request_bytes
from trainlib_deployer.spec.model import DeviceOptions
from trainlib_deployer.tuning.kernels import all_kernels


@dataclass(frozen=True)
class Exchange:
    """A request, and the words of its answer."""

    what: str
    request: bytes
    answer: bytes


class RecordingHarness(Harness):
    """A harness that remembers everything."""

    def __init__(self, program: Path) -> None:
        super().__init__(program)
        self.exchanges: list[Exchange] = []

    def _ask(
        self, function: int, cores: int, members: bytes, operands: Sequence[Given]
    ) -> list[Array | None]:
        answer = super()._ask(function, cores, members, operands)
        kernels = all_kernels()
        name = kernels[function].function if function < len(kernels) else f"function {function}"
        words = b"".join(operand.tobytes() for operand in answer if operand is not None)
        request = request_bytes(function, cores, members, operands)
        self.exchanges.append(Exchange(f"{name} on {cores} cores", request, words))
        return answer


def harness_project(folder: Path) -> Path:
    """A project whose program is the harness, with the whole library."""
    deployed(EXAMPLES / "digits" / "mlp.yaml", folder, golden=False, options=DeviceOptions(cores=1))
    shutil.rmtree(folder / "src")
    (folder / "src").mkdir()
    text = (HERE / "harness.c").read_text()
    (folder / "src" / "main.c").write_text(f"#define HARNESS_ON_TARGET\n{text}")
    shutil.copytree(LIBRARY, folder / "lib", dirs_exist_ok=True)
    (folder / "src" / "kernels.def").symlink_to("../lib/kernels.def")
    (folder / "data" / "golden.bin").touch()
    return folder


def answers_of_target(
    project: Path, target: str, exchanges: Sequence[Exchange], *, cores: int, cc: str = ""
) -> list[bytes]:
    """What the target answers to the same requests, contraction off; `cc`: its compiler, with
    options of a test's own."""
    (project / "data" / "train_x.bin").write_bytes(b"".join(e.request for e in exchanges))
    options = [f"TARGET={target}", f"NET_CORES={cores}", "EXACT=1", *([f"CC={cc}"] if cc else [])]
    ran = make(project, "run", *options)
    assert ran.status == 0 and "all requests served" in ran.output, ran.output
    content = (project / "data" / "trained.bin").read_bytes()
    ends = np.cumsum([len(e.answer) for e in exchanges])
    assert len(content) == ends[-1]
    return [content[end - len(e.answer) : end] for end, e in zip(ends, exchanges, strict=True)]
