"""The JSON Schema of a spec, made from the fields by which specs are read."""

from __future__ import annotations

import inspect
from typing import Any

from trainlib_deployer.layers import LAYERS
from trainlib_deployer.losses import LOSSES
from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.registry import Registry
from trainlib_deployer.schedules import SCHEDULES
from trainlib_deployer.spec.field import Schema
from trainlib_deployer.spec.fields import fields_of
from trainlib_deployer.spec.load_layers import MAX_LAYERS
from trainlib_deployer.spec.model import (
    DataSpec,
    DeviceOptions,
    EarlyStoppingSpec,
    GroupSpec,
    InputSpec,
    LayerSpec,
    ModelSpec,
    TrainingSpec,
)

_LAYER_NAME: Schema = {"type": "string", "description": "a layer before this one, or input"}


def model_schema() -> Schema:
    """JSON Schema (draft 2020-12) of MODEL.yaml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "TrainLib Deployer model spec",
        **_object(
            {
                **_properties(ModelSpec),
                "input": _section(InputSpec),
                "layers": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MAX_LAYERS,
                    "items": {"$ref": "#/$defs/layer"},
                },
                "training": _training(),
                "data": _section(DataSpec),
                "device": _section(DeviceOptions),
            },
            ["name", "input", "layers", "training"],
        ),
        "$defs": {
            "layer": _by_type(LAYERS, "layers"),
            **{f"layers.{name}": _layer(name) for name in LAYERS},
        },
    }


def _object(properties: Schema, required: list[str]) -> Schema:
    needs = {"required": required} if required else {}
    return {
        "type": "object",
        "properties": properties,
        **needs,
        "additionalProperties": False,
    }


def _properties(cls: type) -> Schema:
    return {key: field.schema() for key, field in fields_of(cls).items()}


def _required(cls: type) -> list[str]:
    return [key for key, field in fields_of(cls).items() if field.required]


def _section(cls: type) -> Schema:
    return _object(_properties(cls), _required(cls))


def _by_type(registry: Registry[Any], folder: str) -> Schema:
    """Each type has options of its own; if/then gives better errors than oneOf."""
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": list(registry)}},
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"#/$defs/{folder}.{name}"},
            }
            for name in registry
        ],
    }


def _layer(name: str) -> Schema:
    cls = LAYERS[name]
    count = cls.input_count
    inputs = {"type": "array", "items": _LAYER_NAME, "minItems": count, "maxItems": count}
    single = {"input": _LAYER_NAME} if count == 1 else {}
    properties = {
        "type": {"const": name},
        **single,
        "inputs": inputs,
        **_properties(LayerSpec),
        **_properties(cls),
    }
    needs_inputs = ["inputs"] if count > 1 else []
    return {
        "description": inspect.getdoc(cls),
        **_object(properties, ["type", *needs_inputs, *_required(cls)]),
        **({"not": {"required": ["input", "inputs"]}} if count == 1 else {}),
    }


def _typed(registry: Registry[Any]) -> Schema:
    """A name where nothing is required, or a mapping of a type and its options."""
    plain = [name for name in registry if not _required(registry[name])]
    mappings = [
        {
            "description": inspect.getdoc(registry[name]),
            **_object(
                {"type": {"const": name}, **_properties(registry[name])},
                ["type", *_required(registry[name])],
            ),
        }
        for name in registry
    ]
    names = [{"enum": plain}] if plain else []
    return {"oneOf": [*names, *mappings]}


def _training() -> Schema:
    properties = {
        "loss": _typed(LOSSES),
        "optimizer": _typed(OPTIMIZERS),
        "schedule": _typed(SCHEDULES),
        "parameter_groups": {"type": "array", "items": _section(GroupSpec)},
        "early_stopping": _section(EarlyStoppingSpec),
        **_properties(TrainingSpec),
    }
    return {
        **_object(properties, []),
        "if": {"properties": {"epochs": {"const": 0}}, "required": ["epochs"]},
        "else": {"required": ["loss", "optimizer"]},
    }
