"""One build of the harness a session and a sanitizer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernels.harness import Harness, build


@pytest.fixture(scope="session")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Under AddressSanitizer and UndefinedBehaviorSanitizer."""
    program = tmp_path_factory.mktemp("harness") / "harness"
    build(program, "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    running = Harness(program)
    yield running
    running.close()


@pytest.fixture(scope="session")
def plain_harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """As projects are built: optimised, contraction on, guard words around every operand."""
    program = tmp_path_factory.mktemp("plain") / "harness"
    build(program, "-O3", "-ffp-contract=fast")
    running = Harness(program)
    yield running
    running.close()


@pytest.fixture(scope="session")
def thread_harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Under ThreadSanitizer."""
    program = tmp_path_factory.mktemp("threads") / "harness"
    build(program, "-O1", "-g", "-fsanitize=thread")
    running = Harness(program)
    yield running
    running.close()
