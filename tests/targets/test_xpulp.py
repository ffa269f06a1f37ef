"""PULP's own instructions and their twins in plain C give the same bits, on random shapes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, deployed, make
from tests.kernels.harness import LIBRARY
from tests.targets.conftest import ready
from trainlib_deployer.spec.model import DeviceOptions
from trainlib_deployer.targets import TARGETS
from trainlib_deployer.tuning.kernels import Kernel, all_kernels

PROGRAM = Path(__file__).with_name("xpulp_twins.c")
ARGUMENTS = {
    "fw": "out, in, w, with_bias ? b : 0",
    "wg": "out, with_bias ? out_b : 0, in, w",
    "ig": "out, in, w",
}


def plain(kernel: Kernel) -> str:
    return f"plain_{kernel.function}"


def with_twins() -> list[Kernel]:
    """The kernels whose sources ask for PULP's instructions."""
    sources = {kernel.source for kernel in all_kernels()}
    texts = {source: (LIBRARY / source).read_text() for source in sources}
    ops = ("conv2d", "linear")
    return [k for k in all_kernels() if "tl/xpulp" in texts[k.source] and k.op in ops]


def program(kernels: list[Kernel]) -> str:
    """The program, with the kernels that it compares."""
    lines = [f'#include "tl/{name}.h"' for name in ("conv2d", "linear", "port", "print")]
    lines.append("static tl_conv2d conv2d;\nstatic tl_linear linear;")
    rows = []
    for k in kernels:
        accepts = re.sub(r"([a-z]\w*)", rf"{k.op}.\1", k.accepts)
        call = f"(&{k.op}, {ARGUMENTS[k.phase]})"
        lines += [
            f"extern __typeof__({k.function}) {plain(k)};",
            f"static int {k.function}_accepts(void)\n{{\n    return {accepts};\n}}",
            f"static void {k.function}_call(int side, int with_bias, float *out, float *out_b,"
            " const float *in, const float *w, const float *b)",
            "{\n    (void)with_bias, (void)out_b, (void)b;",
            f"    (side ? {plain(k)} : {k.function}){call};\n}}",
        ]
        rows.append(f'    {{"{k.function}", {k.function}_accepts, {k.function}_call}},')
    lines += [
        "static const struct {\n    const char *name;\n    int (*accepts)(void);",
        "    void (*call)(",
        "        int, int, float *, float *, const float *, const float *, const float *);",
        "} kernels[] = {",
        *rows,
        "};",
        f"enum {{ KERNELS = {len(kernels)} }};",
    ]
    return "\n".join(lines) + "\n" + PROGRAM.read_text()


@pytest.mark.parametrize("cores", [3, 6, 8])
def test_twins_give_the_same_bits(cores: int, tmp_path: Path) -> None:
    ready("gvsoc")
    out = tmp_path / "out"
    # what the kernels work on lies where the plan's code and sample would
    options = DeviceOptions(cores=cores, l2_bytes=TARGETS["gvsoc"].max_bytes["l2"])
    model = EXAMPLES / "digits" / "mlp.yaml"
    deployed(model, out, target="gvsoc", golden=False, options=options)
    shutil.rmtree(out / "src")
    (out / "src").mkdir()
    shutil.copytree(LIBRARY, out / "lib", dirs_exist_ok=True)
    (out / "data" / "golden.bin").touch()
    kernels = with_twins()
    assert len(kernels) > 6
    (out / "src" / "main.c").write_text(f"enum {{ CORES = {cores} }};\n{program(kernels)}")
    for source in {k.source for k in kernels}:
        names = [f"#define {k.function} {plain(k)}" for k in kernels if k.source == source]
        text = "\n".join(["#include <tl_target.h>", "#undef TL_XPULP", *names])
        path = out / "src" / f"plain_{Path(source).name}"
        path.write_text(f'{text}\n#include "../lib/{source}"\n')
    ran = make(out, "run")
    assert ran.status == 0 and " runs alike" in ran.output, ran.output
