"""Adam with decoupled weight decay."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.adam import Adam
from trainlib_deployer.spec.fields import number


@OPTIMIZERS.register("adamw")
@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """AdamW, as torch.optim.AdamW: the decay is of the weight itself."""

    torch_name = "torch.optim.AdamW"

    weight_decay: float = number(default=0.01, minimum=0.0, help="times lr, of the weight")

    @property
    def decay(self) -> float:
        return self.weight_decay
