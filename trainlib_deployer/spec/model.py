"""What a spec says, read and checked by itself; shapes come later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trainlib_deployer.errors import Location
from trainlib_deployer.spec import fields

if TYPE_CHECKING:
    from trainlib_deployer.layers.base import Layer
    from trainlib_deployer.losses.base import Loss
    from trainlib_deployer.optimizers.base import Optimizer
    from trainlib_deployer.schedules.base import Schedule

MAX_SEED = 2**63 - 1
LEVELS = ("l1", "l2", "l3")
MAX_CORES = 16


@dataclass(frozen=True, kw_only=True)
class GroupSpec:
    """One item of `parameter_groups`; None: as the optimizer says."""

    layers: tuple[str, ...] = fields.patterns(help="names, or patterns with * and ?")
    lr: float | None = fields.number(default=None, minimum=0.0, help="in place of the optimizer's")
    weight_decay: float | None = fields.number(
        default=None, minimum=0.0, help="in place of the optimizer's"
    )
    trainable: bool = fields.boolean(default=True, help="false: the parameters are frozen")


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """One item of `layers`; its own keys here, its type's options in `layer`.

    `layer` is None when something about the item was wrong, `inputs` when it takes the output
    of the item before it. `key_where` is the place of each key.
    """

    name: str = fields.name(default=None, is_layer=True, help="<type><n> when not given")
    type: str
    layer: Layer | None
    inputs: tuple[str, ...] | None
    trainable: bool = fields.boolean(default=True, help="false: the parameters are frozen")
    group: GroupSpec | None = None
    where: Location
    key_where: Mapping[str, Location]


@dataclass(frozen=True, kw_only=True)
class EarlyStoppingSpec:
    """When training ends before its last step. `key_where` is the place of each key."""

    monitor: str = fields.choice(
        ("loss", "accuracy"), default="loss", help="of the validation samples"
    )
    patience: int = fields.integer(
        minimum=1, help="evaluations without improvement, after which training ends"
    )
    min_delta: float = fields.number(
        default=0.0, minimum=0.0, help="an improvement is a change by more than that"
    )
    restore_best_weights: bool = fields.boolean(
        default=True, help="training ends with the state of the best evaluation, not the last one"
    )
    key_where: Mapping[str, Location]


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """How the network is trained; loss and optimizer may be missing when `epochs` is 0.

    Without a schedule the optimizer's lr stays.
    """

    loss: Loss | None
    optimizer: Optimizer | None
    schedule: Schedule | None = None
    early_stopping: EarlyStoppingSpec | None = None
    epochs: int = fields.integer(default=1, minimum=0, help="0: predict only")
    max_steps: int | None = fields.integer(default=None, minimum=1, help="stop earlier")
    evaluate_every: int | None = fields.integer(
        default=None,
        minimum=1,
        help="loss and accuracy on data.validation, or else data.test, each time so many steps are"
        " done; with data.validation each epoch when not given",
    )
    batch_size: int = fields.integer(default=1, minimum=1, help="samples a step")
    accumulate: int = fields.integer(
        default=1, minimum=1, help="mini-batches whose gradients are added up for one update"
    )
    drop_last: bool = fields.boolean(
        default=False, help="leave out the last, smaller mini-batch of an epoch"
    )
    seed: int = fields.integer(default=0, minimum=0, maximum=MAX_SEED, help="of initialisation")
    shuffle: bool = fields.boolean(default=False, help="a new order of the samples each epoch")
    target: str = fields.choice(("data", "input"), default="data", help="input: autoencoder")
    clip_grad_value: float | None = fields.number(
        default=None, exclusive_minimum=0.0, help="the largest element of a gradient"
    )
    clip_grad_norm: float | None = fields.number(
        default=None, exclusive_minimum=0.0, help="the largest norm of all gradients together"
    )
    weight_decay_on: str = fields.choice(
        ("all", "weights"), default="all", help="weights: none on biases and on norms' parameters"
    )
    where: Location
    key_where: Mapping[str, Location]

    @property
    def step_samples(self) -> int:
        """Of a whole training step."""
        return self.batch_size * self.accumulate

    def steps_of(self, samples: int) -> int:
        """The training steps of an epoch: its last mini-batches are one, however few they are."""
        whole, rest = divmod(samples, self.batch_size)
        batches = whole + (rest > 0 and not self.drop_last)
        return -(-batches // self.accumulate)


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """The files with samples; None where there is none. `key_where` is the place of each path."""

    train: Path | None = fields.path(default=None, help=".npz with arrays x and y")
    validation: Path | None = fields.path(default=None, help="evaluations while training")
    test: Path | None = fields.path(default=None, help="accuracy after training")
    key_where: Mapping[str, Location] = field(default_factory=dict)

    @property
    def files(self) -> Mapping[str, Path]:
        """Those that are given, by their key."""
        found = {"train": self.train, "validation": self.validation, "test": self.test}
        return {key: path for key, path in found.items() if path is not None}


@dataclass(frozen=True, kw_only=True)
class DeviceOptions:
    """What a spec or a command line says of the device; None where it says nothing."""

    cores: int | None = fields.integer(default=None, minimum=1, maximum=MAX_CORES)
    l1_bytes: int | None = fields.size(default=None, key="l1", help="such as 64k")
    l2_bytes: int | None = fields.size(default=None, key="l2", allow_zero=True, help="0: none")
    l3_bytes: int | None = fields.size(default=None, key="l3", allow_zero=True, help="0: none")
    reserve: Mapping[str, int] | None = fields.sizes(
        LEVELS, default=None, help="what the runtime takes of each level"
    )


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """The network's input."""

    shape: tuple[int, ...] = fields.integers(
        min_items=1, max_items=3, minimum=1, help="C, H, W; or features; or length, features"
    )


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A whole spec. Paths are resolved; `text` is the file, byte by byte."""

    name: str = fields.name(help="of the network and of the project's folder")
    input_shape: tuple[int, ...]
    layers: tuple[LayerSpec, ...]
    training: TrainingSpec
    data: DataSpec
    init: Path | None = fields.path(default=None, help=".npz with <layer>.<param>")
    init_where: Location | None
    device: DeviceOptions
    path: Path
    text: bytes
    where: Location
