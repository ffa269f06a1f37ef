"""Each way that the message for exit code 3 names is followed, and fits."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from trainlib_deployer.errors import DoesNotFitError
from trainlib_deployer.pipeline import plan_project
from trainlib_deployer.spec.model import DeviceOptions
from trainlib_deployer.spec.sizes import parse_size

OPTION = re.compile(r"--(l\d) (\w+)")
FROZEN = re.compile(r"trainable: false on the layers? up to '(\w+)'")
BATCH = re.compile(r"batch_size: (\d+)")
SMALL = {"l1_bytes": 64 << 10, "l2_bytes": 520 << 10}
CASES = {
    "a wide layer": ("tests/errors/does_not_fit.yaml", "host", {}),
    "a mini-batch": ("tests/errors/does_not_fit_batch.yaml", "host", {}),
    "L2 too small": ("examples/mlperf_tiny/ds_cnn.yaml", "gvsoc", SMALL),
    "no L2": (
        "examples/mlperf_tiny/ds_cnn.yaml",
        "cortex-m7",
        {"cores": 1, "l1_bytes": 64 << 10, "l2_bytes": 0},
    ),
    "more L2 than there can be": (
        "examples/batch_norm/resnet8.yaml",
        "gvsoc",
        {"l1_bytes": 64 << 10, "l2_bytes": 1536 << 10},
    ),
}


def followed(spec: dict[str, Any], way: str) -> dict[str, Any]:
    """The spec as the message says, but for the sizes."""
    batch, frozen = BATCH.match(way), FROZEN.match(way)
    if batch:
        spec["training"]["batch_size"] = int(batch[1])
    if frozen:
        for layer in spec["layers"]:
            layer["trainable"] = False
            if layer.get("name") == frozen[1]:
                return spec
    assert bool(batch) != bool(OPTION.match(way)), way
    return spec


@pytest.mark.parametrize("case", CASES)
def test_each_way_fits(case: str, tmp_path: Path) -> None:
    name, target, sizes = CASES[case]
    options = DeviceOptions(**sizes)
    with pytest.raises(DoesNotFitError) as raised:
        plan_project(ROOT / name, options, target=target)
    message = raised.value.diagnostics[-1].message
    assert message.startswith("It would fit with "), message
    ways = message.removeprefix("It would fit with ").split(". ")[0].rstrip(".").split(", or with ")
    for way in ways:
        changed = tmp_path / "changed.yaml"
        changed.write_text(yaml.safe_dump(followed(yaml.safe_load((ROOT / name).read_text()), way)))
        given = {f"{level}_bytes": parse_size(size) for level, size in OPTION.findall(way)}
        plan_project(changed, replace(options, **given), target=target)
