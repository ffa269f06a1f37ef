"""TrainLib Deployer: from a YAML model spec to a C project that trains on a microcontroller."""

__version__ = "0.1.0"
