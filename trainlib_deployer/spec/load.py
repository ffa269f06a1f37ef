"""YAML file → ModelSpec, with every error of the file at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainlib_deployer.errors import Diagnostics, Location
from trainlib_deployer.losses import LOSSES
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.registry import Registry
from trainlib_deployer.schedules import SCHEDULES
from trainlib_deployer.spec.field import MAX_INTEGER
from trainlib_deployer.spec.fields import fields_of
from trainlib_deployer.spec.load_groups import grouped
from trainlib_deployer.spec.load_layers import read_layers
from trainlib_deployer.spec.model import (
    DataSpec,
    DeviceOptions,
    EarlyStoppingSpec,
    InputSpec,
    LayerSpec,
    ModelSpec,
    TrainingSpec,
)
from trainlib_deployer.spec.nodes import Entry, MapNode, Node, show
from trainlib_deployer.spec.reader import Reader
from trainlib_deployer.spec.yaml_source import Source, read_yaml

TOP_KEYS = ("name", "input", "layers", "training", "data", "init", "device")
_TRAINING_PARTS = ("loss", "optimizer", "schedule", "parameter_groups", "early_stopping")


def load_spec(path: Path, diagnostics: Diagnostics) -> ModelSpec | None:
    """Read a spec. Errors go to `diagnostics`; None where too little is right to go on with.

    With errors, what is returned serves only to find further ones.
    """
    source = read_yaml(path, diagnostics)
    if source is None:
        return None
    if not isinstance(source.root, MapNode):
        diagnostics.add(
            f"a spec is a mapping with the keys {', '.join(TOP_KEYS)}, not {show(source.root)}",
            source.root.where,
        )
        return None
    return _SpecReader(source, source.root, path, diagnostics).read()


class _SpecReader:
    """Reads the sections of one file."""

    def __init__(self, source: Source, root: MapNode, path: Path, diagnostics: Diagnostics) -> None:
        self._reader = Reader(diagnostics)
        self._source = source
        self._entries = root.entries
        # an error about what is missing belongs to no line but the first
        self._where = Location(source.file, 1, 1)
        self._path = path

    def read(self) -> ModelSpec | None:
        self._reader.unknown_keys(self._entries, TOP_KEYS, "")
        own = self._reader.settings(ModelSpec, self._entries, self._where, "")
        shape = self._read_input_shape()
        layers = self._read_layers()
        training = self._read_training()
        data = self._read_data()
        self._check_evaluations(training, data)
        device = self._read_device()
        init = self._existing_file(own.get("init"), self._entries, "init", "")
        if shape is None or layers is None:
            return None
        return ModelSpec(
            name=own.get("name", "network"),
            input_shape=shape,
            layers=grouped(layers, self._groups(), self._reader),
            training=training,
            data=data,
            init=init,
            init_where=self._entries["init"].value.where if init else None,
            device=device,
            path=self._path,
            text=self._source.text,
            where=self._where,
        )

    def _check_evaluations(self, training: TrainingSpec, data: DataSpec) -> None:
        """They need samples; that a file is missing was said at its place."""
        hint = "Write data: {validation: validation.npz}."
        if training.evaluate_every and not data.key_where.keys() & {"validation", "test"}:
            where = training.key_where["evaluate_every"]
            what = "evaluate_every needs data with validation or test samples"
            self._reader.error(f"training: {what}", where, hint)
        if training.early_stopping and "validation" not in data.key_where:
            where = training.key_where["early_stopping"]
            what = "early_stopping needs data with validation samples"
            self._reader.error(f"training: {what}", where, hint)

    def _required(self, key: str, example: str) -> Node | None:
        entry = self._entries.get(key)
        if entry is None:
            self._reader.error(f"{key} is missing", self._where, f"Write {key}: {example}.")
            return None
        return entry.value

    def _section(
        self, cls: type, node: Node | None, what: str, example: str
    ) -> tuple[Mapping[str, Entry], dict[str, Any]] | None:
        entries = self._reader.mapping(node, what, example)
        if entries is None or node is None:
            return None
        extra = _TRAINING_PARTS if cls is TrainingSpec else ()
        self._reader.unknown_keys(entries, (*extra, *fields_of(cls)), f"{what}: ")
        return entries, self._reader.settings(cls, entries, node.where, f"{what}: ")

    def _read_input_shape(self) -> tuple[int, ...] | None:
        example = "{shape: [3, 32, 32]}"
        node = self._required("input", example)
        section = self._section(InputSpec, node, "input", example)
        if section is None or "shape" not in section[1]:
            return None
        shape: tuple[int, ...] = section[1]["shape"]
        if math.prod(shape) > MAX_INTEGER:
            where = section[0]["shape"].value.where
            message = f"input: shape has {math.prod(shape)} elements; the limit is {MAX_INTEGER}"
            self._reader.error(message, where)
            return None
        return shape

    def _read_layers(self) -> tuple[LayerSpec, ...] | None:
        node = self._required("layers", "[{type: linear, out_features: 10}]")
        return None if node is None else read_layers(node, self._reader)

    def _read_training(self) -> TrainingSpec:
        example = "{loss: cross_entropy, optimizer: {type: sgd, lr: 0.01}}"
        node = self._required("training", example)
        section = self._section(TrainingSpec, node, "training", example)
        if section is None or node is None:
            return TrainingSpec(
                loss=None, optimizer=None, epochs=0, where=self._where, key_where={}
            )
        entries, settings = section
        predicts_only = settings.get("epochs") == 0

        def typed(registry: Registry[Any], key: str, required: bool = True) -> Any:
            if key in entries:
                return self._reader.typed(registry, entries[key].value, key)
            if required and not predicts_only:
                hint = f"Known: {', '.join(registry)}. With epochs: 0 there is none."
                self._reader.error(f"training: {key} is missing", node.where, hint)
            return None

        return TrainingSpec(
            loss=typed(LOSSES, "loss"),
            optimizer=typed(OPTIMIZERS, "optimizer"),
            schedule=typed(SCHEDULES, "schedule", required=False),
            early_stopping=self._read_early_stopping(entries),
            **settings,
            where=node.where,
            key_where={key: entry.key_where for key, entry in entries.items()},
        )

    def _read_early_stopping(self, training: Mapping[str, Entry]) -> EarlyStoppingSpec | None:
        entry = training.get("early_stopping")
        what, node = "training: early_stopping", entry.value if entry else None
        entries = self._reader.mapping(node, what, "{monitor: loss, patience: 5}")
        if entries is None or node is None:
            return None
        self._reader.unknown_keys(entries, tuple(fields_of(EarlyStoppingSpec)), f"{what}: ")
        values = self._reader.options(EarlyStoppingSpec, entries, node.where, f"{what}: ")
        places = {key: item.value.where for key, item in entries.items()}
        return None if values is None else EarlyStoppingSpec(**values, key_where=places)

    def _groups(self) -> Node | None:
        training = self._entries.get("training")
        if training is None or not isinstance(training.value, MapNode):
            return None
        entry = training.value.entries.get("parameter_groups")
        return entry.value if entry else None

    def _read_data(self) -> DataSpec:
        entry = self._entries.get("data")
        node = entry.value if entry else None
        section = self._section(DataSpec, node, "data", "{train: train.npz}")
        if section is None:
            return DataSpec()
        entries, settings = section
        files = {
            key: self._existing_file(settings.get(key), entries, key, "data: ")
            for key in fields_of(DataSpec)
        }
        where = {key: entry.value.where for key, entry in entries.items()}
        return DataSpec(**files, key_where=where)

    def _existing_file(
        self, name: str | None, entries: Mapping[str, Entry], key: str, context: str
    ) -> Path | None:
        if name is None:
            return None
        path = self._path.parent / name
        where = entries[key].value.where
        try:
            if path.is_file():
                return path
            problem = "is a folder, not a file" if path.is_dir() else "does not exist"
        except OSError as error:  # such as a name that is too long
            problem = f"cannot be read ({error.strerror})"
        hint = "Paths are relative to the spec's folder." if not Path(name).is_absolute() else None
        self._reader.error(f"{context}{key}: the file '{name}' {problem}", where, hint)
        return None

    def _read_device(self) -> DeviceOptions:
        entry = self._entries.get("device")
        node = entry.value if entry else None
        section = self._section(DeviceOptions, node, "device", "{cores: 8, l1: 64k, l2: 512k}")
        return DeviceOptions() if section is None else DeviceOptions(**section[1])
