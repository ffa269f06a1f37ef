"""Depthwise kernels as tiles call them: any sizes with any padding, negative too."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kernels.cases import CORES, assert_close
from tests.kernels.harness import Array, Harness
from trainlib_deployer.tuning.kernels import Kernel, all_kernels

Doubles = npt.NDArray[np.float64]
SETTINGS = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def shapes(draw: st.DrawFn) -> dict[str, int | float]:
    """Members of tl_conv2d; the sizes of x and y need not belong together."""
    size, pad = st.integers(1, 12), st.integers(-5, 6)
    channels = draw(st.integers(1, 7))
    return {
        "n": draw(st.integers(1, 2)),
        "ci": channels, "hi": draw(size), "wi": draw(size),
        "co": channels, "ho": draw(size), "wo": draw(size),
        "kh": 3, "kw": 3,
        "stride_h": draw(st.integers(1, 3)), "stride_w": draw(st.integers(1, 2)),
        "pad_top": draw(pad), "pad_left": draw(pad),
        "groups": channels, "accumulate": draw(st.integers(0, 1)),
        "scale": 1.0, "decay": 1.0, "bias_decay": 1.0,
    }  # fmt: skip


def inside(f: dict[str, Any], tap: int, axis: str) -> tuple[list[int], list[int]]:
    """Outputs along an axis whose tap lies in x, and where."""
    pad = f["pad_top"] if axis == "h" else f["pad_left"]
    pairs = [(o, o * f[f"stride_{axis}"] - pad + tap) for o in range(f[f"{axis}o"])]
    found = [(o, i) for o, i in pairs if 0 <= i < f[f"{axis}i"]]
    return [o for o, _ in found], [i for _, i in found]


def reference(
    f: dict[str, Any], x: Doubles, w: Doubles, dy: Doubles
) -> tuple[Doubles, Doubles, Doubles]:
    """y, dw and dx."""
    y, dw, dx = np.zeros_like(dy), np.zeros_like(w), np.zeros_like(x)
    for kh in range(3):
        rows = inside(f, kh, "h")
        for kw in range(3):
            columns = inside(f, kw, "w")
            out = np.ix_(range(f["n"]), range(f["co"]), rows[0], columns[0])
            into = np.ix_(range(f["n"]), range(f["co"]), rows[1], columns[1])
            weight = w[:, 0, kh, kw][None, :, None, None]
            y[out] += x[into] * weight
            dx[into] += dy[out] * weight
            dw[:, 0, kh, kw] += (x[into] * dy[out]).sum(axis=(0, 2, 3))
    return y, dw, dx


def kernels(phase: str, fields: dict[str, Any]) -> list[Kernel]:
    found = [k for k in all_kernels() if (k.op, k.phase) == ("conv2d", phase) and k.takes(fields)]
    assert any("dw3" in k.function for k in found)
    return [k for k in found if "dw3" in k.function]


@pytest.mark.parametrize("build", ["harness", "plain_harness"])
def test_depthwise_tiles(build: str, request: pytest.FixtureRequest) -> None:
    harness: Harness = request.getfixturevalue(build)

    @SETTINGS
    @given(fields=shapes(), cores=CORES, seed=st.integers(0, 2**31), bias=st.booleans())
    def check(fields: dict[str, Any], cores: int, seed: int, bias: bool) -> None:
        random = np.random.default_rng(seed)

        def noise(*shape: int) -> Array:
            return random.standard_normal(shape).astype(np.float32)

        f = fields
        x, dy = noise(f["n"], f["ci"], f["hi"], f["wi"]), noise(f["n"], f["co"], f["ho"], f["wo"])
        w, b = noise(f["co"], 1, 3, 3), noise(f["co"])
        wide = [np.asarray(a, np.float64) for a in (x, w, dy)]
        y, dw, dx = reference(f, *wide)
        add = f["accumulate"]
        old = {"fw": noise(*y.shape), "wg": noise(*dw.shape), "ig": noise(*dx.shape)}
        old_bias = noise(f["co"])
        start = np.asarray(b, np.float64)[None, :, None, None] if bias and not add else 0.0
        wanted = {"fw": y + start + add * old["fw"], "wg": dw + add * old["wg"]}
        wanted["ig"] = dx + add * old["ig"]
        db = wide[2].sum(axis=(0, 2, 3)) + add * old_bias
        calls = {
            "fw": [old["fw"], x, w, b if bias else None],
            "wg": [old["wg"], old_bias if bias else None, x, dy],
            "ig": [old["ig"], dy, w],
        }
        for phase, operands in calls.items():
            for kernel in kernels(phase, f):
                results = harness.run(kernel, cores, f, operands)
                assert results[0] is not None
                assert_close(results[0], wanted[phase], 10 + f["ho"] * f["wo"], kernel.function)
                if phase == "wg" and results[1] is not None:
                    assert_close(results[1], db, 10 + f["ho"] * f["wo"], kernel.function)

    check()
