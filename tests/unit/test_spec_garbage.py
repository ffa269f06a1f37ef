"""Whatever bytes a spec or a data file holds: errors, no exception, no hang."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainlib_deployer.errors import Diagnostics
from trainlib_deployer.spec.archives import check_numbers, open_arrays
from trainlib_deployer.spec.load import load_spec
from trainlib_deployer.training.build_graph import build_graph

VALID = b"""\
name: tiny
input: {shape: [3, 8, 8]}
layers:
  - &first {name: c1, type: conv2d, out_channels: 4, kernel_size: 3, padding: [1, 1, 0, 1]}
  - {name: r1, type: relu}
  - {name: c2, type: conv2d, out_channels: 4, kernel_size: [3, 3], padding: 1, bias: false}
  - {name: a1, type: add, inputs: [r1, c2]}
  - {type: flatten}
  - {name: fc, type: linear, out_features: 10, trainable: true}
training:
  loss: {type: cross_entropy, label_smoothing: 1e-1}
  optimizer: {type: sgd, lr: 0.01}
  epochs: 2
device: {cores: 8, l1: 64k, reserve: {l1: 4k}}
"""
PIECES = [
    b"{", b"}", b"[", b"]", b": ", b"- ", b"\n", b"  ", b"\t", b"*first", b"&first ", b"'", b'"',
    b"!!x ", b"<<", b"? ", b"|", b">", b"%", b"---\n", b"...", b"#", b"null", b".nan", b"-1",
    b"1e999", b"0x", b"99999999999999999999", b"\xff", b"\x00", b"\xc2\x85", b"\xe2\x80\xa8",
    b"type", b"input", b"name", b"conv2d", b"relu", b"true", b"",
]  # fmt: skip
edits = st.lists(
    st.tuples(
        st.integers(0, len(VALID)),
        st.integers(0, 12),
        st.sampled_from(PIECES) | st.binary(max_size=4),
    ),
    max_size=6,
)
SETTINGS = settings(
    max_examples=300, deadline=5000, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def read(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.yaml"
        path.write_bytes(data)
        diagnostics = Diagnostics()
        spec = load_spec(path, diagnostics)
        if spec is None:
            assert diagnostics.items
        else:
            build_graph(spec, diagnostics)
        for item in diagnostics.items:
            text = str(item)
            assert "\n" not in text and len(text) < 1000


@SETTINGS
@given(edits)
def test_edited_specs(edits: list[tuple[int, int, bytes]]) -> None:
    data = VALID
    for place, removed, inserted in edits:
        data = data[:place] + inserted + data[place + removed :]
    read(data)


@SETTINGS
@given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join) | st.binary(max_size=60))
def test_noise(data: bytes) -> None:
    read(data)


@pytest.mark.parametrize("name", ["good", "objects"])
@SETTINGS
@given(places=st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), max_size=8),
       cut=st.none() | st.integers(0, 1000))  # fmt: skip
def test_damaged_archives(name: str, places: list[tuple[int, int]], cut: int | None) -> None:
    source = Path(__file__).parent.parent / "errors" / "data" / f"{name}.npz"
    data = bytearray(source.read_bytes())
    for place, value in places:
        data[place % len(data)] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        path.write_bytes(data[:cut])
        diagnostics = Diagnostics()
        arrays = open_arrays(path, None, diagnostics)
        assert (arrays is None) == bool(diagnostics.items)
        for key, array in (arrays or {}).items():
            check_numbers(array, key, None, diagnostics)
