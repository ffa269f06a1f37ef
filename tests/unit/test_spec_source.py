"""YAML files that are hostile, broken, or merely 1.2."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from trainlib_deployer.errors import Diagnostics
from trainlib_deployer.spec.load import load_spec
from trainlib_deployer.spec.load_layers import MAX_LAYERS
from trainlib_deployer.spec.nodes import ListNode, MapNode, Node, Scalar
from trainlib_deployer.spec.yaml_source import MAX_FILE_BYTES, parse_yaml, read_yaml


def parse(text: str) -> Node:
    diagnostics = Diagnostics()
    node = parse_yaml(text, "f.yaml", diagnostics)
    assert node is not None and not diagnostics.items
    return node


def error_of(text: str) -> str:
    diagnostics = Diagnostics()
    assert parse_yaml(text, "f.yaml", diagnostics) is None
    (item,) = diagnostics.items
    return str(item)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1.", 1.0),
        (".5", 0.5),
        ("-2.5E+2", -250.0),
        ("0o17", 15),
        ("012", 12),
        ("0x1F", 31),
        ("+5", 5),
        ("-.inf", -math.inf),
        ("true", True),
        ("False", False),
        ("~", None),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("2001-01-01", "2001-01-01"),
        ("'1'", "1"),
        ('"true"', "true"),
    ],
)
def test_core_schema(text: str, value: object) -> None:
    node = parse(text)
    assert isinstance(node, Scalar)
    assert node.value == value and type(node.value) is type(value)


def test_nan_is_a_float() -> None:
    node = parse(".nan")
    assert isinstance(node, Scalar) and isinstance(node.value, float) and math.isnan(node.value)


def test_places_of_keys_and_values() -> None:
    node = parse("a: 1\nlist:\n  - {b: x}\n")
    assert isinstance(node, MapNode)
    entry = node.entries["list"]
    assert str(entry.key_where) == "f.yaml:2:1"
    assert isinstance(entry.value, ListNode)
    (item,) = entry.value.items
    assert isinstance(item, MapNode) and str(item.entries["b"].value.where) == "f.yaml:3:9"


def test_aliases_are_written_out() -> None:
    node = parse("a: &x [1, 2]\nb: *x\n")
    assert isinstance(node, MapNode)
    assert node.entries["b"].value == node.entries["a"].value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested more than 50 deep"),
        ("- " * 100_000, "nested more than 50 deep"),
        ("a: {" * 100_000, "nested more than 50 deep"),
        ("- &a0 []\n" + "".join(f"- &a{i} [*a{i - 1}]\n" for i in range(1, 500)), "50 deep"),
        ("a: b: c", "f.yaml:1:5: YAML syntax: a ':' is not expected here"),
        ("a: @x", "f.yaml:1:4: YAML syntax: a value cannot begin with this character"),
        ("a: - 1", "f.yaml:1:4: YAML syntax: a '-' is not expected here"),
        ('a: "\\q"', "unknown escape"),
        ("a: {b: 1\n\n", "the closing '}' is missing (opened in line 1)"),
        ("a: 'x\nb: 1\n", "f.yaml:1:4: YAML syntax: a quote is opened but not closed"),
        ("a: *", "a name is missing after '&' or '*'"),
        ("%YAML 3.0\n---\na: 1\n", "version of YAML"),
        ("a:\n  b: 1\n c: 2\n", "f.yaml:3:2: YAML syntax: the indentation does not match"),
        ("a\0b", "f.yaml:1:2: the control character U+0000"),
    ],
)
def test_one_clear_message(text: str, message: str) -> None:
    assert message in error_of(text)


def test_numbers_of_a_million_digits() -> None:
    node = parse("a: " + "9" * 1_000_000)
    assert isinstance(node, MapNode)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.yaml", "there is no such file"),
        (".", "this is a folder, not a YAML file"),
        ("a\0b", "the file cannot be read (not a file name)"),
        ("n" * 300, "the file cannot be read (File name too long)"),
        ("huge.yaml", "the file is larger than the limit of 4 MiB"),
        ("comments.yaml", "the file is empty"),
    ],
)
def test_unreadable_files(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "huge.yaml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    (tmp_path / "comments.yaml").write_text("# nothing\n\n")
    diagnostics = Diagnostics()
    path = tmp_path / name
    assert read_yaml(path, diagnostics) is None
    assert [str(item) for item in diagnostics.items] == [f"{path}: {message}"]


def test_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    source = read_yaml(path, Diagnostics())
    assert source and isinstance(source.root, MapNode) and list(source.root.entries) == ["a"]


def many_layers(count: int) -> str:
    return (
        "name: deep\ninput: {shape: [3, 8, 8]}\n"
        "training: {loss: mse, optimizer: {type: sgd, lr: 0.1}}\nlayers:\n"
        + "  - {type: conv2d, out_channels: 3, kernel_size: 3, padding: 1}\n"
        * count
    )


def test_ten_thousand_layers_are_refused_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(many_layers(10_000))
    diagnostics = Diagnostics()
    start = time.process_time()
    assert load_spec(path, diagnostics) is None
    assert time.process_time() - start < 10
    (item,) = diagnostics.items
    assert item.message == f"the spec has 10000 layers; the limit is {MAX_LAYERS}"


def test_the_most_layers_that_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(many_layers(MAX_LAYERS))
    diagnostics = Diagnostics()
    spec = load_spec(path, diagnostics)
    assert spec and not diagnostics.items
    assert spec.layers[-1].name == f"conv2d{MAX_LAYERS}"
