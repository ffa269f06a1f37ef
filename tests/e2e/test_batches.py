"""Mini-batches as PyTorch's DataLoader makes them, on the device."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Deploy, lines_with, make
from trainlib_deployer.spec.model import DeviceOptions

# without kinks, so that exactly the first and the last step are checked
SPEC = """
name: net
input: {{shape: [2, 6, 5]}}
layers:
  - {{name: c1, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}}
  - {{name: p1, type: avg_pool2d, kernel_size: 2}}
  - {{name: c2, type: conv2d, out_channels: 4, kernel_size: 3, padding: 1}}
  - {{name: a1, type: add, inputs: [p1, c2]}}
  - {{type: flatten}}
  - {{name: fc, type: linear, out_features: 3}}
training:
  loss: {{type: {loss}}}
  optimizer: {{type: sgd, lr: 0.05}}
  {options}
"""


def losses_of(project: Path) -> list[float]:
    loss: list[float] = json.loads((project / "data" / "golden.json").read_text())["loss"]
    return loss


@pytest.mark.parametrize(
    ("options", "steps", "loss", "l1_kib"),
    [
        ("batch_size: 4\n  epochs: 2", 4, "cross_entropy", 64),
        ("batch_size: 3\n  epochs: 2", 6, "mse, reduction: sum", 3),
        ("batch_size: 3\n  epochs: 2\n  drop_last: true", 4, "mse", 64),
        ("batch_size: 5\n  epochs: 3\n  shuffle: true", 6, "cross_entropy", 5),
        ("batch_size: 11\n  epochs: 2", 2, "cross_entropy", 9),
        ("batch_size: 7\n  epochs: 2\n  max_steps: 3", 3, "cross_entropy, reduction: sum", 64),
    ],
    ids=["whole", "smaller-last", "drop-last", "shuffled", "larger-than-the-data", "max-steps"],
)
def test_mini_batches_train_as_in_pytorch(
    options: str, steps: int, loss: str, l1_kib: int, deploy_text: Deploy
) -> None:
    text = SPEC.format(loss=loss, options=options)
    if "sum" in loss:
        text = text.replace("lr: 0.05", "lr: 0.002")
    device = DeviceOptions(cores=5, l1_bytes=l1_kib * 1024, l2_bytes=100_000)
    project = deploy_text(text, options=device)
    assert (json.loads((project / "plan.json").read_text())["home"] == "l1") == (l1_kib == 64)
    ran = make(project, "run", "SANITIZE=address,undefined")
    assert "result ok" in ran.output, ran.output
    assert ran.status == 0
    assert len(losses_of(project)) == steps
    checked = set(re.findall(r"check step (\d+)", ran.output))
    assert checked == {"0", str(steps - 1)}
    assert lines_with(ran.output, [f"check step {steps - 1}, c1.wg", "ok"])


def test_an_autoencoder_trains_in_mini_batches(deploy_text: Deploy) -> None:
    project = deploy_text(
        """
name: net
input: {shape: [9]}
layers:
  - {type: linear, out_features: 4}
  - {type: linear, out_features: 9}
training: {loss: mse, optimizer: {type: sgd, lr: 0.1}, target: input, batch_size: 3, epochs: 2}
"""
    )
    for check in ("full", "fingerprint"):
        ran = make(project, "run", f"CHECK={check}")
        assert ran.status == 0, ran.output


def test_where_every_step_is_near_a_kink_each_starts_from_golden_values(
    deploy_text: Deploy,
) -> None:
    text = SPEC.format(loss="cross_entropy", options="batch_size: 64\n  epochs: 1")
    text = text.replace("[2, 6, 5]", "[2, 40, 40]").replace(
        "type: avg_pool2d, kernel_size: 2", "type: relu"
    )
    project = deploy_text(text, options=DeviceOptions(cores=4, l1_bytes=1 << 23))
    notes = json.loads((project / "data" / "golden.json").read_text())["notes"]
    assert "from the golden model's values" in notes[0]
    assert make(project, "run").status == 0
    source = project / "src" / "net.c"
    source.write_text(
        source.read_text()
        .replace("tl_relu_ig_f32(&p1_ig, c1_dy", "tl_pass_ig_f32((const tl_pass *)&p1_ig, c1_dy")
        .replace("p1_dy, p1_y);", "p1_dy);")
    )
    ran = make(project, "run")
    assert lines_with(ran.output, ["p1.ig: input_grad c1", "MISMATCH"]), ran.output


BIAS_TAKEN_OUT = """
name: net
input: {{shape: [3, 9, 8]}}
layers:
  - {{name: c1, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}}
  - {{name: b1, type: batch_norm2d}}
  - {{name: r1, type: relu}}
  - {{type: flatten}}
  - {{name: fc, type: linear, out_features: 3}}
training: {{loss: cross_entropy, optimizer: {{{optimizer}}}, batch_size: 5, epochs: 2}}
"""


@pytest.mark.parametrize(
    "optimizer", ["type: adamw, lr: 0.01", "type: sgd, lr: 0.01, momentum: 0.9"]
)
def test_a_gradient_of_nothing_but_rounding_is_compared_for_what_it_is(
    optimizer: str, deploy_text: Deploy
) -> None:
    """A batch norm takes out the bias in front of it, and optimizers make much of what is left."""
    project = deploy_text(BIAS_TAKEN_OUT.format(optimizer=optimizer))
    for check in ("full", "fingerprint"):
        ran = make(project, "run", f"CHECK={check}")
        assert ran.status == 0, ran.output


TWO_VALUES = """
name: net
input: {{shape: [7]}}
layers:
  - {{name: f1, type: linear, out_features: 6}}
  - {{name: b1, type: batch_norm1d}}
  - {{name: f2, type: linear, out_features: 5}}
  - {{name: b2, type: batch_norm1d}}
  - {{name: f3, type: linear, out_features: 3}}
training:
  loss: cross_entropy
  optimizer: {{type: {optimizer}, lr: 0.01}}
  batch_size: {batch}
  epochs: 2
  seed: {seed}
"""


@pytest.mark.parametrize("optimizer", ["sgd", "sgd, momentum: 0.9"])
@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_norm_of_two_values_leaves_is_compared_for_what_it_is(
    seed: int, optimizer: str, deploy_text: Deploy
) -> None:
    """Its gradient is eps / (variance + eps) of the terms that it is made of."""
    project = deploy_text(TWO_VALUES.format(seed=seed, optimizer=optimizer, batch=2))
    for check in ("full", "fingerprint"):
        ran = make(project, "run", f"CHECK={check}")
        assert ran.status == 0, ran.output


@pytest.mark.parametrize(
    ("optimizer", "seed", "fewer"),
    [("adam", 1, True), ("rmsprop", 2, True), ("sgd", 3, True), ("adam", 2, False)],
)
def test_losses_are_compared_as_long_as_rounding_does_not_make_them(
    optimizer: str, seed: int, fewer: bool, deploy_text: Deploy
) -> None:
    """Two values that come close change places by rounding: f32 and f64 part in PyTorch alone."""
    text = TWO_VALUES.format(seed=seed, optimizer=optimizer, batch=2)
    project = deploy_text(text.replace("epochs: 2", "epochs: 10"))
    ran = make(project, "run")
    assert ran.status == 0, ran.output
    judged = re.search(r"largest difference of (\d+) losses", ran.output)
    notes = json.loads((project / "data" / "golden.json").read_text())["notes"]
    assert judged and int(judged[1]) >= 3 and (int(judged[1]) < 40) == fewer
    said = f"losses are compared up to step {judged[1]}:"
    assert any(said in note for note in notes) == fewer


def test_larger_mini_batches_lose_no_digits_to_a_norm(deploy_text: Deploy) -> None:
    project = deploy_text(TWO_VALUES.format(seed=1, optimizer="sgd", batch=8))
    code = (
        "import golden\n"
        "golden.lost_digits = lambda net, t, f=golden.lost_digits: print(f(net, t)) or {}\n"
        "golden.main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=project, check=True, capture_output=True, text=True
    )
    assert set(ran.stdout.splitlines()[:-1]) == {"{}"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tl_channel_norm_ig_f32(&b2_ig", "tl_channel_norm_ig_f32(&b1_ig"),
        ("b2_means, b2_weight);\n    end", "b1_means, b2_weight);\n    end"),
    ],
)
def test_a_wrong_gradient_of_a_norm_of_two_values_is_found(
    old: str, new: str, deploy_text: Deploy
) -> None:
    project = deploy_text(TWO_VALUES.format(seed=1, optimizer="sgd", batch=2))
    source = project / "src" / "net.c"
    assert old in source.read_text(), source.read_text()
    source.write_text(source.read_text().replace(old, new))
    assert lines_with(make(project, "run").output, ["b2.ig: input_grad f2", "MISMATCH"])


FIRMWARE = r"""
#include <stdio.h>
#include "net.h"
#include "tl/port.h"

static unsigned char blob[NET_STATE_BYTES], saved[NET_STATE_BYTES];
static float x[NET_BATCH * NET_INPUT_COUNT], y[NET_OUTPUT_COUNT];
static net_target target[NET_BATCH * NET_TARGET_COUNT];

static void load(const char *path, void *to, size_t bytes)
{
    FILE *file = fopen(path, "rb");

    if (!file || fread(to, 1, bytes, file) != bytes) {
        printf("cannot read %s\n", path);
    }
    fclose(file);
}

int main(void)
{
    load("data/state.bin", blob, sizeof blob);
    load("data/train_x.bin", x, sizeof x);
    load("data/train_y.bin", target, sizeof target);
    tl_team_open(NET_CORES);
    net_init();
    net_load(blob);
    net_save(saved);
    net_predict(x + NET_INPUT_COUNT, y);
    printf("%.9g %.9g %.9g\n", y[0], y[1], y[2]);
    printf("%.9g\n", net_train_step(x, target, NET_BATCH));
    net_load(saved);
    printf("%.9g\n", net_train_step(x, target, 2));
    tl_team_close();
    return 0;
}
"""


@pytest.mark.parametrize("options", ["batch_size: 3", "batch_size: 3\n  accumulate: 2"])
def test_a_firmware_trains_on_arrays_and_predicts_one_sample(
    options: str, deploy_text: Deploy
) -> None:
    """The interface of net.h alone, without the hooks."""
    project = deploy_text(SPEC.format(loss="cross_entropy", options=options))
    (project / "firmware.c").write_text(FIRMWARE)
    host = [project / "target/host" / name for name in ("port.c", "copy.c")]
    sources = [*project.glob("lib/src/*.c"), *host, project / "src/net.c"]
    folders = ["src", "lib/include", "lib/src", "target/host"]
    command = ["gcc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O2", "-pthread", "firmware.c"]
    subprocess.run(
        [*command, *map(str, sources), *[f"-I{folder}" for folder in folders], "-o", "firmware"],
        cwd=project,
        check=True,
    )
    printed = subprocess.run(
        ["./firmware"], cwd=project, check=True, capture_output=True, text=True
    ).stdout.split()
    output, whole, part = printed[:3], float(printed[3]), float(printed[4])
    assert whole == pytest.approx(losses_of(project)[0], rel=1e-5)
    expected = golden_values(project)
    np.testing.assert_allclose([float(value) for value in output], expected["y"], rtol=1e-4)
    assert part == pytest.approx(expected["loss"], rel=1e-5)


def golden_values(project: Path) -> dict[str, list[float]]:
    """The output of sample 1, and the loss of samples 0 and 1, by the project's golden.py."""
    code = (
        "import json, golden\n"
        "x, y = golden.load_samples()\n"
        "net = golden.build()\n"
        "t = net(x[:2])\n"
        "loss = golden.loss_of(t, y[:2]).item()\n"
        "print(json.dumps({'y': t[golden.OUTPUT][1].tolist(), 'loss': loss}))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=project, check=True, capture_output=True, text=True
    )
    found: dict[str, list[float]] = json.loads(ran.stdout)
    return found
