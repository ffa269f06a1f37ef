"""placeholder"""

from collections.abc import Mapping


def cycles(function: str, fields: Mapping[str, int | float], cores: int) -> float:
    f = fields
    if "conv2d" in function:
        macs = f["n"] * f["co"] * f["ho"] * f["wo"] * f["ci"] / f["groups"] * f["kh"] * f["kw"]
        return 400 + macs / (0.42 * cores)
    if "linear" in function:
        return 200 + f["n"] * f["ci"] * f["co"] / (0.3 * cores)
    n = f.get("count") or f.get("n", 1) * f.get("c", 1) * f.get("hi", 1) * f.get("wi", 1)
    return 100 + n * 5 / cores
