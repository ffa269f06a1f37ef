class EarlyStopping:
    """As net_improves() and net_count_evaluation() have it, in f32."""

    def __init__(self) -> None:
        self.best = np.float32(0)
        self.best_at, self.count = 0, 0
        self.best_state: dict[str, torch.Tensor] = {}

    def gain(self, value: np.float32) -> np.float32:
        return self.best - value if MONITOR == "loss" else value - self.best

    def improves(self, value: np.float32) -> bool:
        better = self.best_at == 0 or self.gain(value) > np.float32(MIN_DELTA)
        return bool(np.isfinite(value) and better)

    def counts(self, value: np.float32) -> bool:
        """Count an evaluation; whether it is the best."""
        self.count += 1
        improves = self.improves(value)
        if improves:
            self.best, self.best_at = value, self.count
        return improves

    @property
    def ends(self) -> bool:
        return self.count - self.best_at >= PATIENCE

    def kept(self) -> dict[str, torch.Tensor]:
        """The last part of what net_save() saves."""
        return {"early_stopping.best": torch.tensor([self.best, self.best_at, self.count])}


def monitored(loss: float, correct: int, samples: int) -> np.float32:
    if MONITOR == "loss":
        return np.float32(loss)
    return np.float32(correct) / np.float32(samples)


def allowance(value: float, drift: float) -> float:
    """How far two right programs may be apart there: as in the free run, or, where rounding grows as
    training goes on, twice as far as this model has been from itself in double precision."""
    own = 1e-3 * max(1.0, abs(value)) if MONITOR == "loss" else 0.005
    return max(own, 2.0 * drift)


def decisions(evaluations: list, exact: list, samples: int) -> list[int]:
    """Of each evaluation, in bits: it is the best so far, training ends, and whether it is the best
    is so nearly a tie that another right program may say otherwise."""
    stopping = EarlyStopping()
    drift, allowed, best_allowed = 0.0, 0.0, 0.0
    found = []
    for mine, other in zip(evaluations, exact):
        value = monitored(*mine, samples)
        drift = max(drift, abs(float(value) - float(monitored(*other, samples))))
        allowed = allowance(float(value), drift)
        margin = abs(float(stopping.gain(value)) - MIN_DELTA)
        is_tie = stopping.best_at > 0 and margin <= allowed + best_allowed
        improves = stopping.counts(value)
        if improves:
            best_allowed = allowed
        found.append(improves + 2 * stopping.ends + 4 * is_tie)
    return found


def exact_evaluations(x: torch.Tensor, y: torch.Tensor, batches: list, held_out: tuple) -> list:
    """What evaluations find where all of the training is in double precision."""
    net, training = exactly(x, y, batches)
    held_out = in_double(*held_out)
    return [
        evaluated(net, *held_out) for step, _ in enumerate(training) if (step + 1) % EVALUATE_EVERY == 0
    ]
