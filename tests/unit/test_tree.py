"""Rules of the tree that a test can hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trainlib_deployer.tiling.far_engine import UNDER_WAY_MAX
from trainlib_deployer.training.clipping import SQUARES

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "trainlib_deployer"
MODULES = sorted(PACKAGE.rglob("*.py"))

# the stages in the order of the data; a stage may import what stands before it, never after
STAGES = ["errors", "registry", "resources", "ir", "spec", "layers", "losses", "optimizers"]
STAGES += ["training", "passes", "tuning", "memory", "lowering", "project", "render"]

# the spec names layers by their registries, and layers say their fields in the spec's words
TOGETHER = {"spec", "layers", "losses", "optimizers", "targets"}


def imported_stages(path: Path) -> set[str]:
    """Stages that a module imports when it is loaded (not for type checking, not in functions)."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "trainlib_deployer."
        ):
            found.add((node.module or "").split(".")[1])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_stage_imports_only_stages_before_it(path: Path) -> None:
    stage = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if stage not in STAGES:
        return
    for other in imported_stages(path) & set(STAGES):
        together = {stage, other} <= TOGETHER
        assert together or STAGES.index(other) <= STAGES.index(stage), f"{stage} imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_no_print_outside_the_cli(path: Path) -> None:
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not calls


def test_files_fit_in_a_head() -> None:
    sources = [*MODULES, *(ROOT / "templates").rglob("*.[ch]"), *(ROOT / "templates").rglob("*.j2")]
    long = {p.name: n for p in sources if (n := len(p.read_text().splitlines())) > 400}
    assert not long


def test_what_c_and_python_both_know_is_the_same_number() -> None:
    include = ROOT / "templates" / "lib" / "include" / "tl"
    squares = re.search(r"#define TL_SQUARES (\d+)", (include / "clip.h").read_text())
    copies = re.search(r"TL_FAR_COPIES_MAX = (\d+)", (include / "port.h").read_text())
    assert squares and int(squares[1]) == SQUARES
    assert copies and int(copies[1]) == UNDER_WAY_MAX


def test_templates_choose_words_and_do_not_calculate() -> None:
    for path in (ROOT / "templates").rglob("*.j2"):
        for expression in re.findall(r"\{\{(.*?)\}\}", path.read_text(encoding="utf-8")):
            assert not re.search(r"[*/%]|\s[-]\s|\+", expression), f"{path.name}: {expression}"


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=["ruff", "format", "mypy"],
)
def test_style(command: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
