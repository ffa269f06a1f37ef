class Evaluated(NamedTuple):
    """Held-out samples, each by itself: its loss, and the class that it is given."""

    losses: np.ndarray
    classes: np.ndarray
    correct: int

    @property
    def loss(self) -> float:
        return float(np.mean(self.losses))


def evaluated(net: Net, x: torch.Tensor, y: torch.Tensor) -> Evaluated:
    training = [(module, module.training) for module in net.modules()]
    net.eval()
    with torch.no_grad():
        output = net(x)[OUTPUT]
        each = [loss_of({OUTPUT: output[i : i + 1]}, y[i : i + 1]).item() for i in range(len(x))]
    for module, mode in training:
        module.training = mode
    classes = output.argmax(1) if CLASSES else torch.zeros(len(x), dtype=torch.int32)
    correct = int((classes == y).sum()) if CLASSES else 0
    return Evaluated(np.array(each), classes.numpy(), correct)


# Two right programs may be so many times as far apart as this model is from itself in double precision.
APART = 4.0
LOOSEST = 0.1  # relative, and of all samples: a comparison that allows more says nothing


class Drift(NamedTuple):
    """How far rounding alone has moved what evaluations find: the mean of the samples' losses, and
    the share of them that is given another class."""

    loss: float = 0.0
    classes: float = 0.0

    def allowed_loss(self, loss: float) -> float:
        return max(1e-3 * max(1.0, abs(loss)), APART * self.loss)

    def allowed_share(self) -> float:
        return max(OWN_SHARE, APART * self.classes)

    def tolerance(self, loss: float) -> float:
        """Of an evaluation's loss; infinite where it is not compared."""
        if not np.isfinite(loss):
            return 0.0  # it should be that on the device, too
        allowed = self.allowed_loss(loss)
        return allowed if allowed <= LOOSEST * max(1.0, abs(loss)) else float("inf")


def drifts(evaluations: list[Evaluated], exact: list[Evaluated]) -> list[Drift]:
    """Up to each evaluation, by the same ones in double precision; where there are none, none."""
    drift, found = Drift(), []
    for mine, other in zip_longest(evaluations, exact):
        if other and np.isfinite(other.losses).all() and np.isfinite(mine.losses).all():
            apart = float(np.abs(mine.losses - other.losses).mean())
            changed = float((mine.classes != other.classes).mean())
            drift = Drift(max(drift.loss, apart), max(drift.classes, changed))
        found.append(drift)
    return found


def correct_tolerance(mine: Evaluated, exact: Evaluated | None) -> int:
    """How many samples more or fewer may be classified right after training."""
    samples = len(mine.classes)
    if exact is None:
        return share_of(samples, OWN_SHARE)
    changed = int((mine.classes != exact.classes).sum()) + 1  # none of a few may be by chance
    allowed = max(share_of(samples, OWN_SHARE), int(APART * changed))
    return allowed if allowed <= LOOSEST * samples else ANY


def drift_notes(rows: list, compared: int, accuracy: tuple[int, int] | None, samples: int) -> list[str]:
    """What is compared less closely than usual, or not; `rows`: evaluations, `compared`: steps."""
    found = []
    wide = [
        ((i + 1) * EVALUATE_EVERY, tolerance)
        for i, (loss, tolerance, *_) in enumerate(rows)
        if (i + 1) * EVALUATE_EVERY <= compared and tolerance > Drift().allowed_loss(loss)
    ]
    near = {step: tolerance for step, tolerance in wide if np.isfinite(tolerance)}
    lost = [step for step, _ in wide if step not in near]
    if near:
        worst = max(near.values())
        found.append(f"evaluations from step {min(near)} on are compared within up to {worst:.2g}")
    if lost:
        found.append(f"{len(lost)} evaluations from step {lost[0]} on are not compared")
    if accuracy and accuracy[1] > share_of(samples, OWN_SHARE):
        within = f"within {accuracy[1]} of {samples} samples"
        found.append(f"the accuracy is {'not compared' if accuracy[1] == ANY else f'compared {within}'}")
    if not found:
        return []
    return [f"{', '.join(found)}: PyTorch's own training parts in f32 and in double precision"]
