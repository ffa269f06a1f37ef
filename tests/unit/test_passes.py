"""Random networks on random devices: every plan passes the checkers that run on every deploy."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainlib_deployer.errors import DoesNotFitError
from trainlib_deployer.memory.fit import PASS_NAMES, Remat, Shrinking
from trainlib_deployer.passes.liveness import peak_bytes
from trainlib_deployer.pipeline import plan_project, remat_frontier
from trainlib_deployer.spec.model import DeviceOptions

LARGE = DeviceOptions(l1_bytes=1 << 24, l2_bytes=0)


NORM_MODES = st.sampled_from(["train", "eval", "frozen"])
PARTS = ("conv", "relu", "leaky_relu", "pool", "branch", "skip", "batch_norm2d")


@st.composite
def networks(draw: st.DrawFn) -> str:
    """Convolutions, activations, pools, norms and residual branches, then linear layers."""
    channels = draw(st.integers(1, 5))
    layers: list[dict[str, object]] = []
    last = "input"

    def add(type_name: str, **options: object) -> str:
        name = f"n{len(layers)}"
        source = {} if "inputs" in options else {"input": last}
        layers.append({"name": name, "type": type_name, **source, **options})
        return name

    for _ in range(draw(st.integers(1, 6))):
        part = draw(st.sampled_from(PARTS))
        trainable = draw(st.booleans())
        if part == "conv":
            kernel = draw(st.sampled_from([1, 3]))
            channels = draw(st.integers(1, 7))
            last = add(
                "conv2d", out_channels=channels, kernel_size=kernel, padding=kernel // 2,
                trainable=trainable,
            )  # fmt: skip
        elif part == "pool":
            kind = draw(st.sampled_from(["max_pool2d", "avg_pool2d"]))
            last = add(kind, kernel_size=3, stride=1, padding=1)
        elif part == "skip" and last != "input":
            start = last
            last = add(draw(st.sampled_from(["relu", "leaky_relu", "batch_norm2d"])))
            last = add("add", inputs=draw(st.permutations([last, start])))
        elif part == "branch":
            start = last
            one = add("conv2d", out_channels=channels, kernel_size=3, padding=1)
            last = start
            other = add("conv2d", out_channels=channels, kernel_size=1, trainable=trainable)
            last = add("add", inputs=[one, other])
        elif part == "batch_norm2d":
            last = add(part, mode=draw(NORM_MODES))
        elif part != "skip":
            last = add(part)
    last = add("flatten")
    for _ in range(draw(st.integers(0, 2))):
        last = add("linear", out_features=draw(st.integers(1, 23)))
        last = add("relu")
    last = add("linear", out_features=draw(st.integers(2, 9)))
    size = [draw(st.integers(1, 4)), draw(st.integers(3, 9)), draw(st.integers(3, 9))]
    spec = {
        "name": "random",
        "input": {"shape": size},
        "layers": layers,
        "training": {
            "loss": "cross_entropy",
            "optimizer": draw(st.sampled_from(["sgd", "adam"])),
            "batch_size": draw(st.integers(2, 4)),
        },
    }
    return yaml.safe_dump(spec, sort_keys=False)


@pytest.fixture(scope="module")
def model() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "model.yaml"


SETTINGS = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SETTINGS
@given(networks(), st.sets(st.sampled_from(PASS_NAMES)), st.integers(0, 2**31))
def test_any_network_plans_on_any_device_or_says_why_not(
    model: Path, spec: str, without: set[str], seed: int
) -> None:
    model.write_text(spec)
    whole = plan_project(model, LARGE, shrinking=Shrinking(PASS_NAMES)).memory.levels["l1"].used
    l1, l2 = 256 + seed % whole, seed // 7 % whole
    l3 = (seed // 3 % 2) * whole
    options = DeviceOptions(cores=3, l1_bytes=l1, l2_bytes=l2, l3_bytes=l3)
    try:
        project = plan_project(model, options, shrinking=Shrinking(tuple(without)))
    except DoesNotFitError as error:
        assert " needs " in str(error)
        assert " alive." in str(error) or "smallest tile" in str(error)
        return
    assert all(use.used <= use.available for use in project.memory.levels.values())
    assert not without & {saving.name for saving in project.savings}


@SETTINGS
@given(networks())
def test_no_pass_raises_the_peak_and_the_frontier_falls(model: Path, spec: str) -> None:
    model.write_text(spec)
    project = plan_project(model, LARGE)
    assert all(saving.bytes >= 0 for saving in project.savings)
    points = remat_frontier(project)
    for point, lower in pairwise(points):
        assert lower.peak < point.peak and lower.extra_macs >= point.extra_macs
    lowest = plan_project(model, LARGE, shrinking=Shrinking(remat=Remat()))
    assert peak_bytes(lowest.graph, lowest.schedule) <= peak_bytes(project.graph, project.schedule)
