"""Targets are found by their files, and each is what the rest of the tool asks for."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES
from trainlib_deployer.errors import SpecError, ToolMissingError
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.resources import templates_root
from trainlib_deployer.spec.model import DeviceOptions
from trainlib_deployer.targets import TARGETS
from trainlib_deployer.targets.base import Tool


def test_each_target_is_one_file_and_one_folder() -> None:
    folders = {path.parent.name for path in (templates_root() / "targets").glob("*/target.mk")}
    assert set(TARGETS) == folders


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_says_everything(name: str) -> None:
    target = TARGETS[name]
    assert target.name == target.default_device.target == name
    assert 1 <= target.default_device.cores <= target.max_cores <= 16
    assert target.unit in ("ns", "cycles", "instructions")
    assert target.tools and target.check_modes


@pytest.mark.parametrize("name", TARGETS)
def test_the_makefile_of_a_target_knows_the_same_limits(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    wanted = {
        "TARGET_MAX_CORES": target.max_cores,
        **{f"TARGET_{level.upper()}_BYTES": size for level, size in target.max_bytes.items()},
        **{
            f"TARGET_{level.upper()}_RESERVED": size
            for level, size in target.default_device.reserved_bytes.items()
        },
    }
    (tmp_path / "target").symlink_to(templates_root() / "targets")
    program = "include target/$(TARGET)/target.mk\nshow: ; @echo $($(NAME))\n"
    for variable, value in wanted.items():
        shown = subprocess.run(
            ["make", "-s", "-f", "-", "show", f"TARGET={name}", f"NAME={variable}"],
            cwd=tmp_path,
            input=program,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert int(shown) == value, variable


def test_a_device_beyond_its_target_is_an_error() -> None:
    model = EXAMPLES / "digits" / "mlp.yaml"
    for options, told in (
        (DeviceOptions(), "cortex-m7 has one core, not 8. Try --cores 1"),
        (DeviceOptions(cores=1, l1_bytes=5 << 20), "at most 4 MiB of l1, not 5 MiB. Lower --l1"),
        (DeviceOptions(cores=1, l3_bytes=1 << 20), "has no l3, not 1 MiB"),
    ):
        with pytest.raises(SpecError, match=re.escape(told)):
            plan_project(model, options, target="cortex-m7")


def test_the_defaults_of_host_are_as_documented() -> None:
    device = TARGETS["host"].default_device
    sizes = (device.cores, device.l1_bytes, device.l2_bytes, device.l3_bytes)
    assert sizes == (8, 64 * 1024, 512 * 1024, 0)
    assert not any(device.reserved(level) for level in ("l1", "l2", "l3"))


def test_an_unknown_target_is_no_target() -> None:
    assert "abacus" not in TARGETS
    with pytest.raises(KeyError):
        TARGETS["abacus"]


def test_what_is_missing_and_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    host = TARGETS["host"]
    assert [tool.program for tool in host.missing_tools] == ["cc", "make"]
    assert host.install_line == "sudo apt install gcc libc6-dev make"
    with pytest.raises(ToolMissingError, match="apt install gcc"):
        host.require_tools()


def test_the_users_compiler_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool("cc", "gcc", variable="CC")
    monkeypatch.setenv("CC", "ccache-of-nobody gcc")
    assert tool.chosen == "ccache-of-nobody" and tool.path is None
    monkeypatch.setenv("CC", "")
    assert tool.chosen == "cc"
