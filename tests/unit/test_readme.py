"""What the README says of targets is what the registry says; its CI jobs call what there is."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tests.conftest import EXAMPLES, ROOT
from trainlib_deployer.cli import main
from trainlib_deployer.targets import TARGETS

README = (ROOT / "README.md").read_text(encoding="utf-8")
JOBS = re.findall(r"```yml\n(.*?)```", README, re.DOTALL)


def test_the_table_of_targets_is_the_registry() -> None:
    (table,) = re.findall(r"<!-- targets -->\n((?:\|.*\n)+)", README)
    rows = [f"| `{t.name}` | {t.description} | {t.measures} |" for t in TARGETS.values()]
    assert table.splitlines()[2:] == rows


@pytest.mark.parametrize("job", JOBS, ids=["github", "gitlab"])
def test_a_ci_job_calls_what_there_is(job: str, tmp_path: Path) -> None:
    assert yaml.safe_load(job)
    (line,) = re.findall(r"trainlib-deploy (model\.yaml .*?) > report\.json$", job, re.MULTILINE)
    arguments = shlex.split(line.replace("model.yaml", str(EXAMPLES / "digits" / "mlp.yaml")))
    arguments.remove("--run")
    arguments[arguments.index("-o") + 1] = str(tmp_path / "net")
    result = CliRunner().invoke(main, [*arguments, "--no-golden"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["target"] == "qemu-riscv32"
    packages = set(re.findall(r"apt-get install -y (.*)$", job, re.MULTILINE)[0].split())
    assert packages == {tool.package for tool in TARGETS["qemu-riscv32"].tools}
