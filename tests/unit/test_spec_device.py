"""Sizes, and the device that target, spec and command line agree on."""

from __future__ import annotations

import re

import pytest

from trainlib_deployer.errors import SpecError
from trainlib_deployer.spec.device import DeviceSpec, merge_device
from trainlib_deployer.spec.model import DeviceOptions
from trainlib_deployer.spec.sizes import SizeError, format_bytes, parse_size


@pytest.mark.parametrize(
    ("text", "count"),
    [("64k", 65536), ("64KiB", 65536), ("64kB", 65536), ("1.5M", 1572864), ("65536", 65536),
     (8192, 8192), ("8M", 8 * 2**20), ("1G", 2**30), ("0.5k", 512), ("100B", 100),
     ("1024G", 2**40)],
)  # fmt: skip
def test_sizes(text: str | int, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize(
    "text", ["", "k", "-1", "1.5", "0.3k", "64 k", "64kk", "1e3", "2048G", "0", 0, -5, 2**40 + 1]
)
def test_no_sizes(text: str | int) -> None:
    with pytest.raises(SizeError):
        parse_size(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1000, "1000 B"), (65536, "64 KiB"), (61000, "59.57 KiB"), (1572864, "1.5 MiB"),
     (2**40, "1024 GiB"), (300_001, "293 KiB")],
)  # fmt: skip
def test_format_bytes(count: int, text: str) -> None:
    assert format_bytes(count) == text


HOST = DeviceSpec(target="host", cores=8, l1_bytes=65536, l2_bytes=2**19)


def test_the_command_line_wins() -> None:
    spec, line = DeviceOptions(cores=4, l1_bytes=1024), DeviceOptions(cores=2, reserve={"l1": 24})
    device = merge_device(HOST, spec, line)
    assert (device.cores, device.l1_bytes, device.l2_bytes) == (2, 1024, 2**19)
    assert device.available("l1") == 1000 and device.available("l3") == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (DeviceOptions(cores=0), "cores takes 1 to 16, not 0"),
        (DeviceOptions(l1_bytes=0), "l1 is empty"),
        (DeviceOptions(reserve={"l1": 2**20}), "1 MiB of l1 are reserved, but it has 64 KiB"),
        (DeviceOptions(reserve={"l9": 1}), "unknown level 'l9'"),
    ],
)
def test_impossible_devices(options: DeviceOptions, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        merge_device(HOST, options)
