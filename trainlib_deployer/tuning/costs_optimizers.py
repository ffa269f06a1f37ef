"""Costs of parameter updates."""

from __future__ import annotations

from trainlib_deployer.training.clipping import SQUARES
from trainlib_deployer.tuning.costs import Fields, cost, share, start
from trainlib_deployer.tuning.costs_elementwise import each


@cost("tl_sgd_update_f32")
def _sgd(f: Fields, cores: int) -> float:
    decay = 1 if f["weight_decay"] else 0
    blocks, rest = divmod(share(f["count"], cores), 16)
    return start(3) + blocks * 16 * (4.5 + decay) + rest * (10 + decay)


cost("tl_sgd_momentum_update_f32")(each(18, 21, 0, 6, block=1))
cost("tl_sign_sgd_update_f32")(each(20.5, 20.5, 0, 4, block=1))
cost("tl_adam_update_f32", "tl_adamw_update_f32")(each(43.5, 57.5, 0, 9, block=1))
cost("tl_adagrad_update_f32")(each(36, 47, 0, 5, block=1))


@cost("tl_rmsprop_update_f32")
def _rmsprop(f: Fields, cores: int) -> float:
    # with centering about 8 more: it shows in no member
    momentum = 4 if f["momentum"] else 0
    return each(45.5 + momentum, 57 + momentum, 0, 8, block=1)(f, cores)


cost("tl_clip_value_update_f32")(each(10.0, 10.0, 12, 2))
cost("tl_clip_norm_update_f32")(each(2.9, 2.9, 7, 1))


@cost("tl_square_sums_update_f32")
def _square_sums(f: Fields, cores: int) -> float:
    parts = share(SQUARES, cores)
    return start(2) + parts * (38 + 3.2 * share(f["count"], SQUARES))


@cost("tl_clip_factor_update_f32")
def _factor(f: Fields, cores: int) -> float:
    return 140 + 6.0 * f["count"]  # by core 0 alone
