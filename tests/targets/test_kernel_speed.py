"""Instructions of every row of the kernel benchmark, against the recorded ones: no row gets slower
unseen, none faster unrecorded."""

from __future__ import annotations

import pytest

from tests.bench import kernel_record
from tests.bench.bench_kernels import jobs_of, measure
from tests.bench.kernel_rows import OTHER_ROWS, ROWS
from tests.targets.conftest import ready

TOLERANCE = 0.02


def test_kernels_take_the_recorded_instructions() -> None:
    ready(kernel_record.TARGET)
    recorded = kernel_record.read()
    if recorded["compiler"] != kernel_record.compiler():
        pytest.skip(f"recorded with {recorded['compiler']}, here is {kernel_record.compiler()}")
    jobs = jobs_of([*ROWS, *OTHER_ROWS], cores=1)
    found = measure(kernel_record.TARGET, jobs, 1, (0,))
    counts = dict(zip(map(kernel_record.key, jobs), (n.again for n in found), strict=True))
    rows = recorded["rows"]
    assert list(counts) == list(rows), f"other rows than recorded: {kernel_record.UPDATE}"
    wrong = {
        row: f"{count:,} instead of {rows[row]['instructions']:,}"
        for row, count in counts.items()
        if abs(count / rows[row]["instructions"] - 1) > TOLERANCE
    }
    assert not wrong, f"{wrong}; where that is meant: {kernel_record.UPDATE}"
