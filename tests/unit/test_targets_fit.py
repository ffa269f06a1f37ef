"""The built program against the plan, on small programs that gcc makes."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.fake import ARENA, PLAN, compiled
from trainlib_deployer.errors import RunFailedError
from trainlib_deployer.targets.elf import ElfError, read_elf
from trainlib_deployer.targets.fit import check_fit

HEADER = '#define TL_TARGET_NAME "test"\n#define TL_GUARD_BYTES 64 /* around */\n'

# L1 as a region of its own: 1,028 bytes of arena, 60 of others, at most 1,088 in all
REGION = """
__attribute__((section(".l1"))) char l1_arena[1028] = {1};
__attribute__((section(".l1_data"))) char others[60] = {1};
"""


def check(folder: Path, source: str, plan: dict[str, Any] = PLAN, *, options: str = "") -> None:
    (folder / "program").write_bytes(compiled(source, options))
    (folder / "tl_target.h").write_text(HEADER)
    check_fit(folder / "program", folder / "tl_target.h", plan)


def region_plan(capacity: int, reserved: int) -> dict[str, Any]:
    plan = copy.deepcopy(PLAN)
    plan["memory"]["l1"] |= {"capacity": capacity, "reserved": reserved}
    return plan


def region_options(end: int, data: int = 0x10000500) -> str:
    start = 0x10000000
    places = [f"-Wl,--section-start=.l1={start:x}", f"-Wl,--section-start=.l1_data={data:x}"]
    limits = [f"-Wl,--defsym=tl_l1_start={start}", f"-Wl,--defsym=tl_l1_end={end}"]
    return " ".join([*places, *limits])


def test_a_program_as_planned(tmp_path: Path) -> None:
    check(tmp_path, ARENA)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("char l1_arena[900];", "the arena of L1 has 900 bytes, planned are 1028"),
        ("char l1_arena[1029];", "the arena of L1 has 1029 bytes"),
        ("char other[1028];", "the arena of L1 has 0 bytes"),
        (f"{ARENA} char l2_arena[128];", "the arena of L2 has 128 bytes, planned are 0"),
    ],
)
def test_another_arena_than_planned(source: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(RunFailedError, match=told):
        check(tmp_path, source)


def test_a_region_as_planned(tmp_path: Path) -> None:
    end = 0x10000000 + 2048
    check(tmp_path, REGION, region_plan(2048, 60), options=region_options(end))


@pytest.mark.parametrize(
    ("capacity", "reserved", "size", "told"),
    [
        (2048, 59, 2048, "take 60 B of L1, reserved are 59 B"),
        (4096, 60, 2048, "L1 has 2048 bytes, the device has 4096"),
        (1000, 60, 1000, "the arena of L1 lies outside of it"),
    ],
)
def test_a_region_that_is_not_as_planned(
    capacity: int, reserved: int, size: int, told: str, tmp_path: Path
) -> None:
    options = region_options(0x10000000 + size)
    with pytest.raises(RunFailedError, match=told):
        check(tmp_path, REGION, region_plan(capacity, reserved), options=options)


def test_what_lies_elsewhere_does_not_count(tmp_path: Path) -> None:
    options = region_options(0x10000000 + 2048, data=0x20000000)
    check(tmp_path, REGION, region_plan(2048, 0), options=options)


def test_no_program_and_no_header(tmp_path: Path) -> None:
    with pytest.raises(RunFailedError, match="cannot compare the program"):
        check_fit(tmp_path / "missing", tmp_path / "tl_target.h", PLAN)
    (tmp_path / "program").write_bytes(compiled(ARENA))
    (tmp_path / "tl_target.h").write_text("")
    with pytest.raises(RunFailedError, match="does not define TL_GUARD_BYTES"):
        check_fit(tmp_path / "program", tmp_path / "tl_target.h", PLAN)


@given(data=st.data())
def test_a_damaged_elf_file_is_told(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = bytearray(compiled(ARENA))
    for _ in range(data.draw(st.integers(1, 20))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    del whole[data.draw(st.integers(0, len(whole))) :]
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(whole)
    try:
        read_elf(path)
    except ElfError as error:
        assert "damaged" in str(error)
