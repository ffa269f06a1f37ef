"""Costs of parameter updates."""

from __future__ import annotations

from trainlib_deployer.tuning.costs import ALONE_MAX, Fields, Formula, cost, share, start
from trainlib_deployer.tuning.costs_elementwise import each


@cost("tl_sgd_update_f32")
def _sgd(f: Fields, cores: int) -> float:
    decay = 1 if f["weight_decay"] else 0
    blocks, rest = divmod(share(f["count"], cores), 16)
    return start(3) + blocks * 16 * (4.5 + decay) + rest * (10 + decay)


def _one_by_one(alone: float, together: float, members: int) -> Formula:
    """So many cycles an element; from five cores on, where two of them share an FPU, `together`."""

    def formula(f: Fields, cores: int) -> float:
        return start(members) + share(f["count"], cores) * (
            alone if cores <= ALONE_MAX else together
        )

    return formula


cost("tl_sgd_momentum_update_f32")(_one_by_one(18, 21, 6))
cost("tl_sign_sgd_update_f32")(_one_by_one(20.5, 20.5, 4))
cost("tl_adam_update_f32", "tl_adamw_update_f32")(_one_by_one(43.5, 57.5, 9))
cost("tl_adagrad_update_f32")(_one_by_one(36, 47, 5))


@cost("tl_rmsprop_update_f32")
def _rmsprop(f: Fields, cores: int) -> float:
    # with centering about 8 more: it shows in no member
    momentum = 4 if f["momentum"] else 0
    return _one_by_one(45.5 + momentum, 57 + momentum, 8)(f, cores)


cost("tl_clip_value_update_f32")(each(10.0, 10.0, 12, 2))
cost("tl_clip_norm_update_f32")(each(2.9, 2.9, 7, 1))

_SQUARES = 16  # sums of squares


@cost("tl_square_sums_update_f32")
def _square_sums(f: Fields, cores: int) -> float:
    parts = share(_SQUARES, cores)
    return start(2) + parts * (38 + 3.2 * share(f["count"], _SQUARES))


@cost("tl_clip_factor_update_f32")
def _factor(f: Fields, cores: int) -> float:
    return 140 + 6.0 * f["count"]  # by core 0 alone
