def mini_batches(count: int) -> list[list[int]]:
    """The samples of each training step: so many mini-batches of torch.utils.data.DataLoader.

    In the order of the file, or of one permutation an epoch, whose last mini-batches are a training
    step by themselves.
    """
    generator = torch.Generator().manual_seed(SEED)
    batches: list[list[int]] = []
    while len(batches) < STEPS:
        epoch = list(range(count))
        if SHUFFLE:
            epoch = torch.randperm(count, generator=generator).tolist()
        parts = [epoch[first : first + BATCH] for first in range(0, count, BATCH)]
        parts = [part for part in parts if len(part) == BATCH or not DROP_LAST]
        for first in range(0, len(parts), ACCUMULATE):
            batches.append([sample for part in parts[first : first + ACCUMULATE] for sample in part])
    return batches[:STEPS]


def passes_of(samples: list[int]) -> list[list[int]]:
    """The samples of each pass of a training step."""
    return [samples[first : first + PASS] for first in range(0, len(samples), PASS)]


def share_of_loss(t: dict[str, torch.Tensor], y: torch.Tensor, total: int) -> torch.Tensor:
    """What a pass adds to the loss of a training step of `total` samples."""
    return loss_of(t, y) * (len(y) / total) if LOSS_IS_MEAN else loss_of(t, y)


def kept_by(optimizer: torch.optim.Optimizer, net: Net) -> dict[str, torch.Tensor]:
    """What the optimizer keeps of each parameter; zeros before its first step."""
    parameters = dict(net.named_parameters())
    found = {}
    for name, key in KEPT:
        value = optimizer.state[parameters[name]].get(key)
        found[f"{name}.{key}"] = torch.zeros_like(parameters[name]) if value is None else value
    return {name: value.detach().clone() for name, value in found.items()}


def whole_state(net: Net, optimizer: torch.optim.Optimizer, step: int) -> dict[str, torch.Tensor]:
    """All that net_save() saves before training step `step`."""
    counter = {"optimizer.step": torch.tensor([step], dtype=torch.int32)} if COUNTS_STEPS else {}
    return state_of(net) | kept_by(optimizer, net) | counter


def rates_of(optimizer: torch.optim.Optimizer) -> list[float]:
    return [group["lr"] for group in optimizer.param_groups]


def optimizer_before(step: int, state: dict[str, torch.Tensor], rates: list[float], net: Net):
    """The optimizer of `net` as it is before training step `step`."""
    optimizer = optimizer_of(net)
    for group, lr in zip(optimizer.param_groups, rates):
        group["lr"] = lr
    parameters = dict(net.named_parameters())
    for name, key in KEPT if step > 0 else []:
        known = optimizer.state[parameters[name]]
        known["step"] = torch.tensor(float(step))
        known[key] = state[f"{name}.{key}"].to(parameters[name].dtype).clone()
    return optimizer


def training_steps(net: Net, optimizer, scheduler, x: torch.Tensor, y: torch.Tensor, batches: list):
    """Train: the loss of each step, when it is done."""
    for step, samples in enumerate(batches):
        optimizer.zero_grad()
        total = 0.0
        for part in passes_of(samples):
            loss = share_of_loss(net(x[part]), y[part], len(samples))
            loss.backward()
            total += loss.item()
        clip_gradients(net)
        optimizer.step()
        if (step + 1) % SCHEDULE_EVERY == 0:
            scheduler.step()
        yield total


def train(x: torch.Tensor, y: torch.Tensor, batches: list[list[int]], held_out: tuple | None):
    """Train in f32: the network and the steps that it comes from, the losses, all state and the learning
    rates before each of the first and the last SEARCH steps, what evaluations find, and the steps that
    training takes. It breaks off before a step that makes what is not finite."""
    net = build()
    optimizer = optimizer_of(net)
    scheduler = scheduler_of(optimizer)
    stopping = EarlyStopping() if "EarlyStopping" in globals() else None
    losses, states, evaluations = [], {}, []
    state = whole_state(net, optimizer, 0) | (stopping.kept() if stopping else {})
    rates = rates_of(optimizer)
    for step, loss in enumerate(training_steps(net, optimizer, scheduler, x, y, batches)):
        states[step] = state, rates
        if step >= 2 * SEARCH:
            del states[step - SEARCH]
        state, rates = whole_state(net, optimizer, step + 1), rates_of(optimizer)
        if not np.isfinite(loss) or not all(v.isfinite().all() for v in state.values()):
            break
        losses.append(loss)
        if held_out and (step + 1) % EVALUATE_EVERY == 0:
            evaluations.append(evaluated(net, *held_out))
            if stopping and stopping.counts(monitored(evaluations[-1])):
                stopping.best_state = state_of(net)
        if stopping:
            state |= stopping.kept()
            if stopping.ends:
                batches = batches[: step + 1]
                break
    kept = len(batches)
    if stopping and RESTORE_BEST:
        load_state(net, stopping.best_state)
        kept = EVALUATE_EVERY * stopping.best_at
    return (net, kept), losses, states, evaluations, len(batches)


class Exact(NamedTuple):
    """The same training in double precision: the loss of each step, what evaluations find, and what
    the test samples are given after the step whose network is kept."""

    losses: list[float]
    evaluations: list[Evaluated]
    test: Evaluated | None


def exactly(x: torch.Tensor, y: torch.Tensor, batches: list, held_out: dict, kept: int) -> Exact:
    net = build().double()
    optimizer = optimizer_of(net)
    x, y = in_double(x, y)
    held_out = {name: in_double(*samples) for name, samples in held_out.items()}
    losses, evaluations, test = [], [], None
    for loss in training_steps(net, optimizer, scheduler_of(optimizer), x, y, batches):
        losses.append(loss)
        if EVALUATE_EVERY and len(losses) % EVALUATE_EVERY == 0:
            evaluations.append(evaluated(net, *held_out[HELD_OUT[0]]))
        if len(losses) == kept and "test" in held_out:
            test = evaluated(net, *held_out["test"])
    return Exact(losses, evaluations, test)


def in_double(*values: torch.Tensor) -> list[torch.Tensor]:
    return [value.double() if value.is_floating_point() else value for value in values]


def same_losses(losses: list[float], exact: list[float]) -> int:
    """How many of the first losses stay what they are in double precision, to a 16th of the free run's
    tolerance: no f32 program can agree on what rounding makes by itself."""
    for step, (loss, other) in enumerate(zip(losses, exact)):
        if abs(loss - other) > 1e-3 / 16 * max(1.0, abs(other)):
            return step
    return len(losses)


def update(net: Net, before: tuple, gradients: dict, step: int):
    """Parameters and what the optimizer keeps after an update: (kind, name) → tensor."""
    state, rates = before
    load_state(net, state)
    optimizer = optimizer_before(step, state, rates, net)
    for name, parameter in net.named_parameters():
        parameter.grad = gradients[name].clone() if name in gradients else None
    clip_gradients(net)
    optimizer.step()
    found = {("weight", name): p.detach().clone() for name, p in net.named_parameters()}
    return found | {("optimizer_state", n): value for n, value in kept_by(optimizer, net).items()}


def reach_of(net: Net, before: tuple, gradients: dict, scales: dict, step: int, made: dict):
    """How far each result of the update moves, where gradients are off as f32 may be; `made`: the
    results with the gradients as they are."""
    off = {n: AMPLIFIED.get(n, 0.0) * scales[n].abs().max() for n in gradients}
    low, high = (
        update(net, before, {n: g + way * off[n] for n, g in gradients.items()}, step)
        for way in (-1.0, 1.0)
    )
    # squares of what is nearly 0 move to the same side both ways
    return {
        ("reach", key[1]): (high[key] - value).abs() + (low[key] - value).abs()
        for key, value in made.items()
    }


def lost_digits(net: Net, t: dict[str, torch.Tensor]) -> dict[str, float]:
    """How much larger the terms of a gradient are than what is left of them, by name.

    Rounding is relative to the terms: of two values a channel, a batch norm's gradient is what its
    eps leaves of them, and all gradients behind are made of it.
    """
    lost: dict[str, float] = {}
    for source, terms, before in cancelling_terms(net, t):
        left = t[source].grad
        if left is None:
            continue
        worst = float(max(terms.max() / left.abs().max(), terms.norm() / left.norm()))
        if 2.0 < worst < float("inf"):  # a digit at least
            lost |= {name: worst * lost.get(name, 1.0) for name in before}
    return lost


def local_pass(net: Net, x: torch.Tensor, y: torch.Tensor, total: int, terms: dict):
    """One pass in double precision: every tensor by (kind, name).

    Gradients add to those of the passes before; `terms` collects what CANCELLING ones sum.
    """
    x, y = in_double(x, y)
    t = net(x)
    for value in t.values():
        if value.requires_grad:
            value.retain_grad()
    loss = share_of_loss(t, y, total)
    loss.backward()
    found = {("activation", name): value.detach() for name, value in t.items()}
    found["activation", "loss"] = loss.detach()
    found |= {("input_grad", name): value.grad for name, value in t.items() if value.requires_grad}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            found["weight_grad", name] = parameter.grad.clone()
    for name, layer in CANCELLING.items():
        # a sum of K terms that cancels is as exact as one of random signs: sqrt(K) times a term
        terms.setdefault(name, []).append(t[layer].grad.abs().transpose(0, 1).flatten(1))
        every = torch.cat(terms[name], 1)
        usual = every.sum(1) / every.shape[1] ** 0.5
        found["scale", name] = torch.maximum(found["weight_grad", name].abs(), usual)
    lost = lost_digits(net, t)
    found["lost", "digits"] = torch.tensor(max(lost.values(), default=1.0))
    for name, factor in lost.items():
        kind = "input_grad" if name in t else "weight_grad"
        if (kind, name) in found:
            found["scale", name] = factor * found.get(("scale", name), found[kind, name])
    found |= {("buffer", name): value.clone() for name, value in net.named_buffers()}
    return found


def local_step(before: tuple, x: torch.Tensor, y: torch.Tensor, samples: list[int], step: int):
    """One step from `before`: what each pass makes."""
    net = build().double()
    load_state(net, before[0])
    terms: dict = {}
    parts = passes_of(samples)
    passes = [local_pass(net, x[part], y[part], len(samples), terms) for part in parts]
    last = passes[-1]
    gradients = {name: value for (kind, name), value in last.items() if kind == "weight_grad"}
    scales = {n: last.get(("scale", n), gradient) for n, gradient in gradients.items()}
    factor = clip_gradients(net)
    final = {}
    for name, scale in scales.items():
        # what is cut off was a part of what the rest is as exact as
        final["clipped_scale", name] = factor * scale
        final["clipped_grad", name] = net.get_parameter(name).grad
    made = update(net, before, gradients, step)
    if AMPLIFIED:
        final |= reach_of(net, before, gradients, scales, step, made)
    return [found | final | made for found in passes]


def kink_of(before: tuple, x: torch.Tensor, samples: list[int]) -> tuple[float, str]:
    """The nearest kink of all passes of a step from `before`."""
    net = build().double()
    load_state(net, before[0])
    with torch.no_grad():
        return min(nearest_kink(net(x[part].double())) for part in passes_of(samples))


SEARCH = 32  # steps tried, where a kink is too near


def steps_near(count: int) -> tuple[range, range]:
    """Candidates for the first and the last checked one of `count` steps."""
    return range(min(SEARCH, count)), range(count - 1, max(count - 1 - SEARCH, -1), -1)


def choose_step(wanted: int, candidates: range, states, x, y, batches):
    """The first candidate whose kinks are all farther than rounding reaches, else the farthest."""
    best = None
    for step in candidates:
        distance, what = kink_of(states[step], x, batches[step])
        if best is None or distance > best[1]:
            best = (step, distance, what)
        if distance > 1.0:
            break
    step, distance, what = best
    found = local_step(states[step], x, y, batches[step], step)
    note = None
    if distance <= 1.0:
        note = (
            f"no step of {len(candidates)} near {wanted} keeps all kinks out of rounding's reach;"
            f" of step {step}, the farthest ({what} at {distance:.2g} tolerances), each Step is"
            " checked from the golden model's values"
        )
    elif step != wanted:
        note = f"step {wanted} comes within rounding of a kink; step {step} is checked instead"
    return step, found, distance <= 1.0, note


def main() -> None:
    prepare()
    x, y = load_samples()
    held_out = load_all_held_out()
    watched = held_out[HELD_OUT[0]] if EVALUATE_EVERY else None
    batches = mini_batches(len(x))
    (net, kept), losses, states, evaluations, steps = train(x, y, batches, watched)
    batches = batches[:steps]
    checked, blobs, expected, notes = [], [blob(states[0][0])], [], []
    loses_digits = False
    if len(losses) < steps:
        # the steps before that are of no scale in which rounding is small
        notes.append(f"PyTorch's training is not finite from step {len(losses)} on")
    for candidates in steps_near(steps) if len(losses) == steps else ():
        if candidates[0] in [earlier for earlier, _, _ in checked]:
            continue
        wanted = candidates[0]
        step, found, guided, note = choose_step(wanted, candidates, states, x, y, batches)
        if note:
            notes.append(note)
            print(f"golden: {note}")
        if step in [earlier for earlier, _, _ in checked]:
            continue
        loses_digits |= any(values["lost", "digits"] > 1.0 for values in found)
        for index, values in enumerate(found):
            checked.append((step, index, int(guided)))
            blobs.append(blob(states[step][0]))
            expected.append([compared(values, *check) for check in CHECKS])
    comparable = min(len(losses), 100)
    exact = Exact([], [], None)
    stops = "EarlyStopping" in globals()
    may_part = loses_digits or bool(MOVED_BY_ROUNDING and held_out)  # from itself, by rounding
    if may_part or stops:
        last = len(losses) if held_out else comparable
        exact = exactly(x, y, batches[:last], held_out, kept)
    if loses_digits:
        comparable = same_losses(losses[:comparable], exact.losses)
        if comparable < min(len(losses), 100):
            notes.append(
                f"losses are compared up to step {comparable}: a norm leaves little of its gradient, and"
                " from there on PyTorch's own losses in f32 and in double precision part"
            )
            print(f"golden: {notes[-1]}")
    write_samples("train", x, y)
    drift = drifts(evaluations, exact.evaluations)
    verdicts = decisions(evaluations, drift) if stops else [0] * len(evaluations)
    rows = [
        (found.loss, (apart if may_part else Drift()).tolerance(found.loss), found.correct, verdict)
        for found, apart, verdict in zip(evaluations, drift, verdicts)
    ]
    accuracy = None
    if CLASSES and "test" in held_out:
        test = evaluated(net, *held_out["test"])
        accuracy = test.correct, correct_tolerance(test, exact.test if may_part else None)
    judged = comparable if len(losses) == steps else 0
    for note in drift_notes(rows, judged, accuracy, len(held_out["test"][0]) if accuracy else 0):
        notes.append(note)
        print(f"golden: {note}")
    write_data(blobs, expected, checked, batches, losses, accuracy, held_out, notes, rows, comparable)
    print(f"golden: {len(losses)} steps, loss {losses[:1]} -> {losses[-1:]}")
