"""Costs of normalisation: sums of parts, what is made of them, and the elements."""

from __future__ import annotations

from trainlib_deployer.tuning.costs import ALONE_MAX, Fields, Formula, cost, share

_DONE = 190.0  # a call that has nothing to do


@cost("tl_norm_moments_fw_f32")
def _moments(f: Fields, cores: int) -> float:
    """The squares of each part, and before them its mean."""
    if not f["training"]:
        return _DONE
    parts = share(f["groups"] * f["parts"], cores)
    a_part, an_element = (67, 19) if f["centered"] else (38, 9)
    return 370 + parts * (a_part + f["length"] / f["parts"] * an_element)


@cost("tl_norm_statistics_fw_f32")
def _statistics(f: Fields, cores: int) -> float:
    joined = 30 * f["entries"] if f["training"] else 0
    # cores wait for the divider
    return 350 + share(f["groups"], cores) * ((270 if cores <= ALONE_MAX else 330) + joined)


def _elements(fixed: float, each: tuple[float, float], run: float, *count: str) -> Formula:
    """Elements in one range a core, which begins and ends anywhere, in runs of `length`; `each` is
    of an element on few cores, and where cores share an FPU."""

    def formula(f: Fields, cores: int) -> float:
        own = f["length"]
        for name in count:
            own *= f[name]
        own = share(own, cores)
        return fixed + own * each[cores > ALONE_MAX] + (own / f["length"] + 1) * run

    return formula


cost("tl_channel_norm_fw_f32")(_elements(390, (10.9, 10.9), 40, "n", "channels"))
cost("tl_channel_norm_ig_f32")(_elements(350, (13.9, 15.1), 77, "n", "channels"))
cost("tl_row_norm_fw_f32")(_elements(250, (13.8, 14.6), 32, "rows"))
cost("tl_row_norm_ig_f32")(_elements(250, (16.9, 19.3), 56, "rows"))


@cost("tl_row_norm_wg_f32")
def _row_wg(f: Fields, cores: int) -> float:
    return 215 + share(f["length"], cores) * (15 + 16.6 * f["rows"])


@cost("tl_norm_sums_ig_f32")
def _sums(f: Fields, cores: int) -> float:
    parts = share(f["n"] * f["groups"] * f["parts"], cores)
    return 405 + parts * (114 + f["length"] / f["parts"] * 12)


@cost("tl_norm_means_ig_f32")
def _means(f: Fields, cores: int) -> float:
    weighted = f["channels"] > 1
    first, entry = (47, 11.5) if weighted else (16, 8.5)
    return (350 if weighted else 290) + share(f["stats"], cores) * (first + f["entries"] * entry)


@cost("tl_norm_affine_wg_f32")
def _affine(f: Fields, cores: int) -> float:
    return 220 + share(f["channels"], cores) * (11 + 9.3 * f["entries"])
