"""Batch normalisation of features."""

from __future__ import annotations

from dataclasses import dataclass

from trainlib_deployer.ir.tensor import Shape
from trainlib_deployer.layers import LAYERS
from trainlib_deployer.layers.base import Layer, ShapeError
from trainlib_deployer.layers.batch_norm import BatchNorm


@LAYERS.register("batch_norm1d")
@dataclass(frozen=True, kw_only=True)
class BatchNorm1d(BatchNorm):
    """Each feature, or channel of (channels, length), as torch.nn.BatchNorm1d."""

    torch_name = "BatchNorm1d"

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) > 2:
            raise ShapeError("takes (features) or (channels, length)")
        return inputs[0]

    @classmethod
    def examples(cls) -> tuple[tuple[Layer, tuple[Shape, ...]], ...]:
        return (
            (cls(), ((9,),)),
            (cls(), ((4, 6),)),
            (cls(mode="eval", affine=False), ((7,),)),
        )
