def state_of(net: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of all parameters and running statistics; not of how many steps made these."""
    state = net.state_dict().items()
    return {name: value.detach().clone() for name, value in state if value.is_floating_point()}


def load_state(net: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """The names are complete but for the counts that state_of leaves out."""
    net.load_state_dict(state, strict=False)


@torch.no_grad()
def folded(net: nn.Module, layer: str) -> dict[str, torch.Tensor]:
    """A layer's weight and bias, with the norms behind it in them."""
    module = net.get_submodule(layer)
    weight, bias = module.weight, 0.0 if module.bias is None else module.bias
    for norm in map(net.get_submodule, FOLDED[layer]):
        scale = 1.0 / (norm.running_var + norm.eps).sqrt()
        if norm.affine:
            scale = scale * norm.weight
        weight = weight * scale.reshape(-1, *[1] * (weight.dim() - 1))
        bias = (bias - norm.running_mean) * scale
        if norm.affine:
            bias = bias + norm.bias
    return {f"{layer}.weight": weight, f"{layer}.bias": bias}


def on_device(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state as the C program has it: norms are folded in double precision, and rounded once."""
    if not FOLDED:
        return state
    net = build().double()
    load_state(net, state)
    gone = {norm for norms in FOLDED.values() for norm in norms}
    found: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        layer = name.partition(".")[0]
        if layer not in gone:
            found |= folded(net, layer) if layer in FOLDED else {name: value}
    return found


def blob(state: dict[str, torch.Tensor]) -> bytes:
    """What net_load() takes: identity, size, then the parameters in the spec's order, and what
    the optimizer keeps."""
    values = b"".join(
        value.numpy().astype("<f4" if value.is_floating_point() else "<i4").tobytes()
        for value in on_device(state).values()
    )
    return np.array([STATE_ID, 8 + len(values)], "<u4").tobytes() + values


def distance_to_zero(x: torch.Tensor) -> torch.Tensor:
    """Smallest magnitude but exact zeros, which every program gets alike."""
    magnitude = x.abs()
    return magnitude[magnitude > 0].min() if (magnitude > 0).any() else torch.tensor(torch.inf)


def distance_to_runner_up(x: torch.Tensor, kernel: tuple, stride: tuple) -> torch.Tensor:
    """Smallest difference of a window's two largest values, but exact ties: the first one wins."""
    windows = x.unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1]).flatten(4)
    if windows.shape[-1] == 1:
        return torch.tensor(torch.inf)
    best = windows.topk(2, dim=-1).values
    gap = best[..., 0] - best[..., 1]
    return gap[gap > 0].min() if (gap > 0).any() else torch.tensor(torch.inf)


def terms_of_norm(norm: nn.Module, x: torch.Tensor, dy: torch.Tensor) -> torch.Tensor:
    """Of each element of a batch norm's dx the largest term: dy * weight / the standard deviation."""
    variance = x.detach().transpose(0, 1).flatten(1).var(1, unbiased=False)
    scale = 1.0 / (variance + norm.eps).sqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.detach().abs()
    return dy.abs() * scale.reshape(1, -1, *[1] * (x.dim() - 2))


def nearest_kink(t: dict[str, torch.Tensor]) -> tuple[float, str]:
    """The smallest distance to a jump, in tolerances, and where it is."""
    found = [(float(distance) / tolerance, what) for what, distance, tolerance in kinks(t)]
    return min(found, default=(float("inf"), ""))


def norm_of(flat: np.ndarray) -> np.ndarray:
    return np.sqrt((flat * flat).sum())


def fingerprint(value: torch.Tensor) -> np.ndarray:
    """The norm and eight +-1 projections; the signs are bits of a hash of the element's index."""
    flat = value.double().flatten().numpy()
    with np.errstate(over="ignore"):
        mixed = np.arange(flat.size, dtype=np.uint32) * np.uint32(0x9E3779B1)
        mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(0x85EBCA77)
    mixed ^= mixed >> np.uint32(13)
    signs = [1.0 - 2.0 * ((mixed >> np.uint32(bit)) & np.uint32(1)) for bit in range(8)]
    return np.array([norm_of(flat), *[(sign * flat).sum() for sign in signs]])


def compared(found: dict, kind: str, name: str, first: int = 0, count: int | None = None):
    """What one comparison needs: the values, what errors are relative to, and how far rounding of
    the gradients moves each value.

    Zeros stand for the samples that a smaller mini-batch lacks: the program does not look there.
    """
    whole = found[kind, name]
    if kind in ("activation", "input_grad") and whole.dim() > 0:
        whole = torch.cat([whole, whole.new_zeros(PASS - len(whole), *whole.shape[1:])])
    whole = whole.flatten()
    scales = {"weight_grad": "scale", "input_grad": "scale", "clipped_grad": "clipped_scale"}
    scale = found.get((scales.get(kind), name), whole)
    reach = None if kind in scales else found.get(("reach", name))
    reach = torch.zeros(1) if reach is None else reach.flatten()[first:]
    return whole[first:][:count], scale, reach[:count]


def full_record(part: torch.Tensor, whole: torch.Tensor, reach: torch.Tensor) -> np.ndarray:
    """The largest magnitude of the whole, then the part."""
    return np.append(whole.abs().max().numpy(), part.numpy())


def fingerprint_record(part: torch.Tensor, whole: torch.Tensor, reach: torch.Tensor) -> np.ndarray:
    """The norm of the whole, four standard deviations of a sum of independent errors within reach,
    then the part's fingerprint."""
    norm = norm_of(whole.double().flatten().numpy())
    return np.concatenate([[norm, 4.0 * reach.norm().numpy()], fingerprint(part)])


OWN_SHARE = 0.005  # of the test samples: how far accuracies of two right programs may be apart
ANY = 0xFFFFFFFF  # samples: not compared


def share_of(samples: int, share: float) -> int:
    """Whole samples; products of whole numbers of them do not become one less."""
    return int(share * samples + 1e-6)


def write_data(
    blobs: list[bytes],
    expected: list[list[tuple[torch.Tensor, ...]]],
    checked: list[tuple[int, int, int]],
    batches: list[list[int]],
    losses: list[float],
    accuracy: tuple[int, int] | None,
    held_out: dict[str, tuple],
    notes: list[str],
    evaluations: list[tuple[float, float, int, int]] = (),
    comparable: int = 0,
) -> None:
    """The files of data/: states, expected values, and golden.bin with everything else.

    `accuracy`: the test samples that are classified right, and how many more or fewer may be;
    `evaluations`: loss, its tolerance, how many are classified right, the decision's bits.
    """
    steps = min(STEPS, len(batches))
    compared = losses[:comparable] if len(losses) == steps else []
    sizes = [len(held_out[name][0]) if name in held_out else 0 for name in ("validation", "test")]
    header = [0x32474C54, PLAN_ID, steps, len(checked), len(compared), *sizes]
    samples = [batch + [0xFFFFFFFF] * (BATCH * ACCUMULATE - len(batch)) for batch in batches]
    flat = [word for row in (*checked, *samples) for word in row]
    words = [*header, *(accuracy or (0, 0)), EVALUATE_EVERY, len(evaluations), *flat]
    files = {
        "state.bin": b"".join(blobs),
        "expected_full.bin": b"".join(
            full_record(*pair).astype("<f4").tobytes() for pairs in expected for pair in pairs
        ),
        "expected_fingerprint.bin": b"".join(
            fingerprint_record(*pair).astype("<f4").tobytes() for pairs in expected for pair in pairs
        ),
        "golden.bin": np.array(words, "<u4").tobytes()
        + np.array(compared, "<f4").tobytes()
        + np.array(list(evaluations), "<f4,<f4,<u4,<u4").tobytes(),
    }
    for name, content in files.items():
        (DATA / name).write_bytes(content)
    summary = {
        "schema": 1,
        "plan_id": PLAN_ID,
        "steps": steps,
        "loss": losses,
        "accuracy": accuracy[0] / sizes[1] if accuracy else None,
        "accuracy_compared": accuracy is not None and accuracy[1] != ANY,
        "test_samples": sizes[1],
        "classes": CLASSES,
        "evaluated": HELD_OUT[0] if EVALUATE_EVERY else None,
        "evaluations": [
            {"step": (index + 1) * EVALUATE_EVERY, "loss": loss, "correct": right}
            for index, (loss, _, right, _) in enumerate(evaluations)
        ],
        "checked_steps": sorted({step for step, _, _ in checked}),
        "notes": notes,
        "torch": torch.__version__,
    }
    (DATA / "golden.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    if FOLDED:
        # what it is for PyTorch, before and after training
        layers = {*FOLDED, *(norm for norms in FOLDED.values() for norm in norms)}
        own = {n: v.numpy() for n, v in state_of(build()).items() if n.partition(".")[0] in layers}
        np.savez(DATA / "unfolded.npz", **own)


def write_samples(name: str, x: torch.Tensor, y: torch.Tensor) -> None:
    for part, values in (("x", x), ("y", y)):
        kind = "<f4" if values.is_floating_point() else "<i4"
        (DATA / f"{name}_{part}.bin").write_bytes(values.numpy().astype(kind).tobytes())


def load_all_held_out() -> dict[str, tuple]:
    """By name; written to data/ too."""
    held_out = {name: load_file(name) for name in HELD_OUT}
    for name, samples in held_out.items():
        write_samples(name, *samples)
    return held_out


def prepare() -> None:
    """One thread and deterministic algorithms: the same values on every run."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    DATA.mkdir(exist_ok=True)
