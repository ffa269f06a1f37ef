"""Stage one, on the PC: train the network on the digits 0 to 8 in PyTorch.

    python examples/new_class/pretrain.py

writes pretrained.npz (arrays named as `init` takes them) and new.npz: the few samples, half of them
of the digit 9, that the device learns from in stage two.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn as nn

HERE = Path(__file__).resolve().parent
DIGITS = HERE.parent / "digits" / "train.npz"
NEW, OLD_EACH = 40, 5  # samples of the 9, and of each known digit


class Net(nn.Sequential):
    """The layers of learn.yaml, by their names; the last output is the class to come."""

    def __init__(self) -> None:
        super().__init__()
        channels = [1, 12, 24, 24]
        for k in (1, 2, 3):
            self.add_module(f"c{k}", nn.Conv2d(*channels[k - 1 : k + 1], 3, padding=1, bias=False))
            self.add_module(f"b{k}", nn.BatchNorm2d(channels[k]))
            self.add_module(f"r{k}", nn.ReLU())
            if k == 2:
                self.add_module("pool", nn.MaxPool2d(2))
        self.add_module("flatten", nn.Flatten())
        self.add_module("fc", nn.Linear(24 * 4 * 4, 10))


def main() -> None:
    torch.manual_seed(0)
    with np.load(DIGITS) as file:
        x, y = torch.from_numpy(file["x"]).float(), torch.from_numpy(file["y"]).long()
    known = torch.nonzero(y < 9).flatten()
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for _ in range(12):
        for batch in known[torch.randperm(len(known))].split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
    state = {name: v.numpy() for name, v in net.state_dict().items() if v.is_floating_point()}
    np.savez(HERE / "pretrained.npz", **state)
    few = [torch.nonzero(y == 9).flatten()[:NEW]]
    few += [torch.nonzero(y == digit).flatten()[:OLD_EACH] for digit in range(9)]
    chosen = torch.cat(few).numpy()
    np.savez(HERE / "new.npz", x=x.numpy()[chosen], y=y.numpy()[chosen])


if __name__ == "__main__":
    main()
