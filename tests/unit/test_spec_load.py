"""What a right spec becomes; wrong ones are in tests/errors."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import jsonschema
import pytest

from tests.errors.test_errors import plain
from trainlib_deployer.errors import Diagnostics
from trainlib_deployer.layers.conv2d import Conv2d
from trainlib_deployer.layers.max_pool2d import MaxPool2d
from trainlib_deployer.losses.cross_entropy import CrossEntropy
from trainlib_deployer.optimizers.sgd import Sgd
from trainlib_deployer.spec import names
from trainlib_deployer.spec.load import load_spec
from trainlib_deployer.spec.model import DeviceOptions, ModelSpec
from trainlib_deployer.spec.schema import model_schema
from trainlib_deployer.spec.suggest import did_you_mean
from trainlib_deployer.spec.yaml_source import read_yaml

FULL = """\
name: resnet_tiny
input: {shape: [3, 32, 32]}
layers:
  - {name: c1, type: conv2d, out_channels: 16, kernel_size: 3, padding: 1}
  - {name: r1, type: relu}
  - {name: c2, type: conv2d, out_channels: 16, kernel_size: [3, 5], padding: [1, 2], bias: false}
  - {name: c3, type: conv2d, out_channels: 16, kernel_size: 3, padding: [1, 0, 2, 1], input: input}
  - {name: a1, type: add, inputs: [r1, c2]}
  - {type: max_pool2d, kernel_size: 2, stride: }
  - {type: adaptive_avg_pool2d, output_size: 1}
  - {type: flatten}
  - {name: fc, type: linear, out_features: 10, trainable: false}
training:
  loss: cross_entropy
  optimizer: {type: sgd, lr: 1e-2}
  epochs: 2
  max_steps: 200
  seed: 7
data:
  train: train.npz
init: weights.npz
device: {cores: 4, l1: 64k, l2: 0.5M, reserve: {l1: 4KiB}}
"""


@pytest.fixture
def full(tmp_path: Path) -> ModelSpec:
    for name in ("train.npz", "weights.npz"):
        (tmp_path / name).touch()
    return load(tmp_path, FULL)


def load(folder: Path, text: str) -> ModelSpec:
    path = folder / "model.yaml"
    path.write_text(text)
    diagnostics = Diagnostics()
    spec = load_spec(path, diagnostics)
    diagnostics.raise_if_any()
    assert spec is not None
    source = read_yaml(path, diagnostics)
    assert source
    jsonschema.validate(plain(source.root), model_schema(), jsonschema.Draft202012Validator)
    return spec


def test_layers(full: ModelSpec) -> None:
    by_name = {item.name: item for item in full.layers}
    assert list(by_name) == [
        *("c1", "r1", "c2", "c3", "a1"),
        *("max_pool2d1", "adaptive_avg_pool2d1", "flatten1", "fc"),
    ]
    assert by_name["c1"].layer == Conv2d(out_channels=16, kernel_size=(3, 3), padding=(1, 1, 1, 1))
    c2, c3 = by_name["c2"].layer, by_name["c3"].layer
    assert isinstance(c2, Conv2d) and isinstance(c3, Conv2d)
    assert (c2.kernel_size, c2.padding, c2.bias) == ((3, 5), (1, 1, 2, 2), False)
    assert c3.padding == (1, 0, 2, 1) and by_name["c3"].inputs == ("input",)
    assert by_name["a1"].inputs == ("r1", "c2") and by_name["r1"].inputs is None
    assert by_name["max_pool2d1"].layer == MaxPool2d(kernel_size=(2, 2), stride=None)
    assert not by_name["fc"].trainable and by_name["c1"].trainable
    assert str(by_name["c2"].key_where["bias"]).endswith("model.yaml:6:86")


def test_the_rest(full: ModelSpec, tmp_path: Path) -> None:
    assert full.name == "resnet_tiny" and full.input_shape == (3, 32, 32)
    training = full.training
    assert training.loss == CrossEntropy() and training.optimizer == Sgd(lr=0.01)
    assert (training.epochs, training.max_steps, training.seed) == (2, 200, 7)
    assert (training.batch_size, training.shuffle, training.target) == (1, False, "data")
    assert full.data.train == tmp_path / "train.npz" and full.data.test is None
    assert full.init == tmp_path / "weights.npz"
    assert full.device == DeviceOptions(
        cores=4, l1_bytes=65536, l2_bytes=524288, reserve={"l1": 4096}
    )
    assert full.text == FULL.encode()


def test_prediction_needs_no_loss(tmp_path: Path) -> None:
    text = "name: p\ninput: {shape: [4]}\nlayers: [{type: relu}]\ntraining: {epochs: 0}\n"
    spec = load(tmp_path, text)
    assert spec.training.loss is None and spec.training.optimizer is None


def test_default_names_count_every_layer_of_the_type(tmp_path: Path) -> None:
    text = (
        "name: p\ninput: {shape: [4]}\ntraining: {epochs: 0}\n"
        "layers: [{type: relu}, {name: r, type: relu}, {type: relu}]\n"
    )
    assert [item.name for item in load(tmp_path, text).layers] == ["relu1", "r", "relu3"]


def test_hints() -> None:
    known = ("padding", "conv2d", "cross_entropy", "max_pool2d")
    assert did_you_mean("pading", known) == "Did you mean 'padding'?"
    assert did_you_mean("Conv2d", known) == "Did you mean 'conv2d'?"
    assert did_you_mean("CrossEntropy", known) == "Did you mean 'cross_entropy'?"
    assert did_you_mean("MaxPool2d", known) == "Did you mean 'max_pool2d'?"
    assert did_you_mean("zebra", known) is None


def test_reserved_names_are_complete() -> None:
    words = names._PYTHON_WORDS
    assert {word for word in keyword.kwlist if word.islower()} <= words
    torch_nn = pytest.importorskip("torch.nn")
    attributes = {name for name in dir(torch_nn.Module()) if re.fullmatch("[a-z][a-z0-9_]*", name)}
    assert attributes <= names._MODULE_ATTRIBUTES | words
