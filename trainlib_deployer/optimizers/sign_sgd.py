"""Sign SGD: every parameter moves by the learning rate, whatever its gradient's size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trainlib_deployer.optimizers import OPTIMIZERS
from trainlib_deployer.optimizers.base import Optimizer, torch_expression
from trainlib_deployer.spec.fields import number

_SOURCE = '''\
class SignSGD(torch.optim.SGD):
    """SGD on the gradients' signs; the weight decay is of the weight itself."""

    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.sign_()
        return super().step(closure)
'''


@OPTIMIZERS.register("sign_sgd")
@dataclass(frozen=True, kw_only=True)
class SignSgd(Optimizer):
    """w = (1 - lr * weight_decay) * w - lr * sign(dw), without state."""

    amplifies = True
    torch_source = _SOURCE

    lr: float = number(default=0.0001, minimum=0.0, help="how far each parameter moves")
    weight_decay: float = number(default=0.0, minimum=0.0, help="times lr, of the weight")

    @property
    def kernel(self) -> tuple[str, Mapping[str, float]]:
        fields = {"lr": self.lr, "weight_decay": self.weight_decay}
        return "sign_sgd", fields

    def torch_call(self, parameters: str) -> str:
        options = {"lr": self.lr}
        may_be_0 = {"weight_decay": self.weight_decay}
        return torch_expression("SignSGD", parameters, options, may_be_0)
