"""Batch normalisation of images."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Layer
from trainlib_deployer.layers.batch_norm import BatchNorm
from trainlib_deployer.layers.geometry import image_shape


@LAYERS.register("batch_norm2d")
@dataclass(frozen=True, kw_only=True)
class BatchNorm2d(BatchNorm):
    """Each channel of the mini-batch, as torch.nn.BatchNorm2d."""

    torch_name = "BatchNorm2d"

    def output_shape(self, *inputs: Shape) -> Shape:
        image_shape(inputs[0])
        return inputs[0]

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return (
            (cls(), ((3, 5, 4),)),
            (cls(momentum=0.3, eps=1e-3, affine=False), ((2, 3, 3),)),
            (cls(mode="eval"), ((5, 3, 4),)),
            (cls(mode="frozen"), ((17, 2, 3),)),
        )
