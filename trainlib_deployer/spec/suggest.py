"""Hints for near-misses."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MAX_CANDIDATES = 200  # a spec of thousands of wrong names must not take minutes


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The nearest of the known names as a hint, None when none is near."""
    candidates = tuple(known)
    # a camel-case or hyphenated name of PyTorch is one step from ours
    plain = word.lower().replace("-", "_").replace(" ", "_")
    by_letters = {name.replace("_", ""): name for name in candidates}
    letters = plain.replace("_", "")
    if letters in by_letters:
        return f"Did you mean '{by_letters[letters]}'?"
    if len(candidates) > _MAX_CANDIDATES:
        alike = (name for name in candidates if abs(len(name) - len(plain)) <= 1)
        candidates = tuple(name for name in alike if name[:1] == plain[:1])[:_MAX_CANDIDATES]
    found = difflib.get_close_matches(plain[:80], candidates, n=1)
    return f"Did you mean '{found[0]}'?" if found else None
