"""The command line. What a command needs is imported inside it: --help must answer at once."""

from __future__ import annotations

import click

from trainlib_deployer import __version__
from trainlib_deployer.cli.check import check
from trainlib_deployer.cli.deploy import deploy
from trainlib_deployer.cli.explain import explain
from trainlib_deployer.cli.group import DeployGroup
from trainlib_deployer.cli.plan_memory import plan_memory
from trainlib_deployer.cli.run import run
from trainlib_deployer.cli.schema import schema
from trainlib_deployer.cli.targets import targets

__all__ = ["main"]


@click.group(cls=DeployGroup, bare=deploy)
@click.version_option(__version__, prog_name="trainlib-deploy")
def main() -> None:
    """Turn a neural network into a C project that trains on a microcontroller.

    The network is a YAML file with PyTorch's names; the project trains it on the device and
    checks itself against PyTorch.

    \b
    Examples:
      trainlib-deploy examples/digits/cnn.yaml --run
      trainlib-deploy check examples/digits/cnn.yaml --l1 32k
    """


for _command in (check, explain, run, plan_memory, targets, schema):
    main.add_command(_command)
