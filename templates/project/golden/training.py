def sample_order(count: int) -> list[int]:
    """The sample of each training step: in the order of the file, or one permutation an epoch."""
    generator = torch.Generator().manual_seed(SEED)
    order: list[int] = []
    while len(order) < STEPS:
        epoch = torch.randperm(count, generator=generator).tolist() if SHUFFLE else range(count)
        order.extend(epoch)
    return order[:STEPS]


def train(net: Net, x: torch.Tensor, y: torch.Tensor, order: list[int], keep: set[int]):
    """Train in f32; the losses, and the parameters before each step of `keep`."""
    optimizer = optimizer_of([p for p in net.parameters() if p.requires_grad])
    losses, states = [], {}
    for step, sample in enumerate(order):
        if step in keep:
            states[step] = state_of(net)
        optimizer.zero_grad()
        loss = loss_of(net(x[sample : sample + 1]), y[sample : sample + 1])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if not np.isfinite(losses[-1]):
            raise SystemExit(f"golden: the loss is not finite at step {step}: lower the lr")
    return losses, states


def local_step(state: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor):
    """One step from `state` in double precision: every tensor by (kind, name), the nearest kink."""
    net = build().double()
    net.load_state_dict(state)
    if y.is_floating_point():
        y = y.double()
    t = net(x.double())
    distance = nearest_kink(t)
    for value in t.values():
        if value.requires_grad:
            value.retain_grad()
    learning = [p for p in net.parameters() if p.requires_grad]
    loss = loss_of(t, y)
    loss.backward()
    found = {("activation", name): value.detach() for name, value in t.items()}
    found["activation", "loss"] = loss.detach()
    found |= {("input_grad", name): value.grad for name, value in t.items() if value.requires_grad}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            found["weight_grad", name] = parameter.grad.clone()
    optimizer_of(learning).step()
    found |= {("weight", name): p.detach() for name, p in net.named_parameters()}
    return found, distance


SEARCH = 32  # steps tried, where a kink is too near


def choose_step(wanted: int, candidates: range, states, x, y, order):
    """The first candidate whose kinks are all farther than rounding reaches, else the farthest."""
    best = None
    for step in candidates:
        sample = slice(order[step], order[step] + 1)
        found, (distance, what) = local_step(states[step], x[sample], y[sample])
        if best is None or distance > best[1]:
            best = (step, distance, what, found)
        if distance > 1.0:
            break
    step, distance, what, found = best
    note = None
    if distance <= 1.0:
        note = (
            f"no step of {len(candidates)} near {wanted} keeps all kinks out of rounding's reach;"
            f" step {step}, the farthest, is checked ({what} at {distance:.2g} tolerances)"
        )
    elif step != wanted:
        note = f"step {wanted} comes within rounding of a kink; step {step} is checked instead"
    return step, found, note


def main() -> None:
    prepare()
    x, y = load_samples()
    order = sample_order(len(x))
    forwards = range(min(SEARCH, STEPS))
    backwards = range(STEPS - 1, max(STEPS - 1 - SEARCH, -1), -1)
    net = build()
    initial = state_of(net)
    losses, states = train(net, x, y, order, {*forwards, *backwards})
    checked, blobs, expected, notes = [], [blob(initial)], [], []
    wanted_steps = [(0, forwards)] + ([(STEPS - 1, backwards)] if STEPS > 1 else [])
    for wanted, candidates in wanted_steps:
        step, found, note = choose_step(wanted, candidates, states, x, y, order)
        if note:
            notes.append(note)
            print(f"golden: {note}")
        if step in [earlier for earlier, _ in checked]:
            continue
        checked.append((step, order[step]))
        blobs.append(blob(states[step]))
        expected.append([compared(found, *check) for check in CHECKS])
    correct, test_samples = None, 0
    write_samples("train", x, y)
    if "load_test" in globals() and CLASSES:
        test_x, test_y = load_test()
        write_samples("test", test_x, test_y)
        correct, test_samples = count_correct(net, test_x, test_y), len(test_x)
    write_data(blobs, expected, checked, order, losses, correct, test_samples, notes)
    print(f"golden: {len(losses)} steps, loss {losses[0]:.6f} -> {losses[-1]:.6f}")
