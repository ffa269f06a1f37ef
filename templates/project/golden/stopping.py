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


def monitored(evaluation: Evaluated) -> np.float32:
    if MONITOR == "loss":
        return np.float32(evaluation.loss)
    return np.float32(evaluation.correct) / np.float32(len(evaluation.classes))


def decisions(evaluations: list[Evaluated], drift: list[Drift]) -> list[int]:
    """Of each evaluation, in bits: it is the best so far, training ends, and whether it is the best
    is so nearly a tie that another right program may say otherwise."""
    stopping = EarlyStopping()
    best_allowed = 0.0
    found = []
    for mine, apart in zip(evaluations, drift):
        value = monitored(mine)
        allowed = apart.allowed_loss(mine.loss) if MONITOR == "loss" else apart.allowed_share()
        margin = abs(float(stopping.gain(value)) - MIN_DELTA)
        is_tie = stopping.best_at > 0 and margin <= allowed + best_allowed
        improves = stopping.counts(value)
        if improves:
            best_allowed = allowed
        found.append(improves + 2 * stopping.ends + 4 * is_tie)
    return found
