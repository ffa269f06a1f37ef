"""Everything that is known of a network on a device before a file is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainlib_deployer.ir.graph import Graph, Schedule
from trainlib_deployer.lowering.program import Program
from trainlib_deployer.memory.batching import Batching
from trainlib_deployer.memory.plan import MemoryPlan
from trainlib_deployer.passes import FOLD_NORMS, Fold, Saving, folds_of
from trainlib_deployer.tuning.kernels import Kernel

if TYPE_CHECKING:
    from trainlib_deployer.spec.device import DeviceSpec
    from trainlib_deployer.spec.model import EarlyStoppingSpec, ModelSpec


@dataclass(frozen=True)
class Project:
    """The stages' results, from the spec to the lowered program.

    `network` is as the spec has it, for the samples of a pass; `graph` is as the passes over Steps
    left it.
    `samples` is how many training samples there are; without data they are synthetic.
    """

    spec: ModelSpec
    device: DeviceSpec
    network: Graph
    graph: Graph
    schedule: Schedule
    savings: tuple[Saving, ...]
    batchings: tuple[Batching, ...]
    kernels: Mapping[str, Kernel]
    memory: MemoryPlan
    program: Program
    samples: int
    test_samples: int
    training_steps: int

    @property
    def macs(self) -> int:
        """Of a whole training step."""
        return self.graph.passes * sum(step.macs for step in self.schedule.steps)

    @property
    def folds(self) -> tuple[Fold, ...]:
        """What became of each norm that learns nothing."""
        folds = folds_of(self.network)
        if any(saving.name == FOLD_NORMS.name for saving in self.savings):
            return folds
        return tuple(Fold(f.norm, None, f"{FOLD_NORMS.name} is left out") for f in folds)

    @property
    def steps_per_epoch(self) -> int:
        """Training steps that visit every sample once."""
        return self.spec.training.steps_of(self.samples)

    @property
    def early_stopping(self) -> EarlyStoppingSpec | None:
        """None where nothing is trained."""
        return self.spec.training.early_stopping if self.graph.training else None

    @property
    def evaluate_every(self) -> int:
        """Training steps between evaluations; 0: there are none."""
        if self.graph.training is None:
            return 0
        default = self.steps_per_epoch if self.spec.data.validation else 0
        return self.spec.training.evaluate_every or default
