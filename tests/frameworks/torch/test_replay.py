"""A step that went wrong is carried out again from what the trace keeps of it, and its first bad operation named."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.replay import replay as replay_kept
from deeplocalize.trace.kept import read_kept

STEP = 31


class Net(nn.Module):
    def __init__(self, outputs=3):
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, outputs)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


def batches(spoil, steps):
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        x, y = torch.randn(16, 6, generator=generator), torch.randint(0, 3, (16,), generator=generator)
        yield spoil(step, x, y)


def train(model, loss, spoil=lambda step, x, y: (x, y), steps=STEP + 4, optimizer=None):
    optimizer = optimizer or torch.optim.SGD(model.parameters(), 0.05)
    for x, y in batches(spoil, steps):
        optimizer.zero_grad()
        value = loss(model, x, y)
        value.backward()
        optimizer.step()


@pytest.fixture
def kept(watched, tmp_path):
    """Train under watch and read what the trace keeps."""

    def run(train, *args, **kwargs):
        path = tmp_path / "run.trace"
        with watched(path=path) as seen:
            train(*args, **kwargs)
        if seen.error is not None and not isinstance(seen.error, FloatingPointError):
            raise seen.error
        assert not [each for trace in seen.traces for each in trace.failures]
        return list(read_kept(path))

    return run


def replay(kept):
    assert kept.missing is None, kept.missing
    return replay_kept(kept)


def at(step, change):
    """Change the inputs of one step."""
    return lambda now, x, y: (change(x) if now == step else x, y)


def log_of_probability(model, x, y):
    p = torch.softmax(model(x), dim=1)
    picked = p[torch.arange(len(y)), y]
    return -torch.log(picked).mean()


def distance(model, x, y):
    difference = model(x) - F.one_hot(y, 3)
    return torch.sqrt((difference * x[:, :3].abs()).pow(2).sum(1)).mean()


def normalized(model, x, y):
    out = model(x)
    weight = x[:, 0].abs()
    share = weight / weight.sum()
    return (F.cross_entropy(out, y, reduction="none") * share).sum()


def exponential(model, x, y):
    rate = torch.exp(model(x)[:, 0])
    return (rate - y * torch.log(rate + 1e-6)).mean()


def line_of(function, text):
    import inspect

    lines, start = inspect.getsourcelines(function)
    return start + next(place for place, line in enumerate(lines) if text in line)


@pytest.mark.parametrize(
    ("loss", "change", "where", "target", "text"),
    [
        (log_of_probability, lambda x: x * 1e4, "forward", "torch.log", "torch.log"),
        (distance, lambda x: x * 0, "backward", "torch.sqrt", "torch.sqrt"),
        (normalized, lambda x: x * 0, "forward", "torch.Tensor.div", "weight / weight.sum()"),
        (exponential, lambda x: x * 1e4, "forward", "torch.exp", "torch.exp"),
    ],
    ids=["log of 0", "slope of the root of 0", "0 / 0", "overflow of exp"],
)
def test_the_operation_that_went_wrong_is_named_with_its_line(kept, loss, change, where, target, text):
    found = replay(*kept(train, Net(), loss, at(STEP, change)))
    assert (found.step, found.where, found.target) == (STEP, where, target)
    assert found.source.line == line_of(loss, text)
    assert all(each.is_finite for each in found.inputs)
    assert not all(each.is_finite for each in found.made)


def test_what_was_given_to_it_is_the_batch_of_that_step(kept):
    (step,) = kept(train, Net(), normalized, at(STEP, lambda x: x * 0))
    expected = [x for x, _ in batches(at(STEP, lambda x: x * 0), STEP + 1)][-1]
    assert any(
        np.array_equal(each, expected.numpy()) for name, each in step.arrays.items() if name.startswith("given/")
    )


def test_nan_in_the_data_is_told_from_what_is_made_of_it(kept):
    def spoil(x):
        x = x.clone()
        x[3, 2] = torch.nan
        return x

    found = replay(*kept(train, Net(), lambda model, x, y: F.cross_entropy(model(x), y), at(STEP, spoil)))
    assert (found.where, found.operation, found.made[0].nans) == ("data", "first", 1)


def test_an_update_that_overflows_is_named_with_gradient_and_rate(kept):
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), 0.05)

    def spoil(step, x, y):
        optimizer.param_groups[0]["lr"] = 3e38 if step == STEP else 0.05
        return (x * 100 if step == STEP else x), y

    found = replay(*kept(train, model, lambda model, x, y: F.cross_entropy(model(x), y), spoil, optimizer=optimizer))
    assert (found.step, found.where, found.operation) == (STEP, "update", "SGD")
    assert [each.name for each in found.inputs] == ["first.weight", "gradient at first.weight", "learning rate"]
    assert found.inputs[2].high == 3e38
    assert not found.made[0].is_finite


def test_a_network_that_explodes_is_named_where_its_grown_weights_overflow(kept):
    found = replay(
        *kept(
            train,
            Net(1),
            lambda model, x, y: F.mse_loss(model(x)[:, 0], y.float() * 100),
            optimizer=None,
            spoil=lambda step, x, y: (x * 50, y),
        )
    )
    assert found.where == "forward"
    assert min(each.low for each in found.inputs) < -1e15


def test_a_weight_that_the_program_spoils_itself_is_named(kept):
    model = Net()

    def spoil(step, x, y):
        if step == STEP:
            with torch.no_grad():
                model.last.weight[0, 0] = torch.nan
        return x, y

    found = replay(*kept(train, model, lambda model, x, y: F.cross_entropy(model(x), y), spoil))
    assert (found.where, found.operation, found.made[0].name) == ("weights", "last", "last.weight")


def test_the_minus_infinity_of_a_mask_is_no_fault(kept):
    def masked(model, x, y):
        scores = model(x).masked_fill(x[:, :3] < -1, float("-inf"))
        return -torch.log(torch.softmax(scores, 1).clamp(1e-6)).mean()

    found = replay(*kept(train, Net(), masked, at(STEP, lambda x: -x.abs() - 2)))
    assert (found.where, found.target) == ("forward", "torch.softmax")


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_step_before_the_operations_are_known_is_kept_until_they_are(kept, step):
    found = replay(*kept(train, Net(), normalized, at(step, lambda x: x * 0), steps=4))
    assert (found.step, found.where, found.target) == (step, "forward", "torch.Tensor.div")


def test_a_run_that_ends_with_its_first_step_says_that_its_operations_were_not_seen(kept):
    def one_step():
        for x, y in batches(at(0, lambda x: x * 0), 1):
            model = Net()
            optimizer = torch.optim.SGD(model.parameters(), 0.05)
            normalized(model, x, y).backward()
            optimizer.step()

    (step,) = kept(one_step)
    with pytest.raises(UsageError, match="the run ended before its operations were observed"):
        replay_kept(step)


def test_a_program_that_stops_at_the_first_nan_can_be_replayed(kept):
    def careful(model, x, y):
        loss = log_of_probability(model, x, y)
        if step_count[0] > STEP:
            raise FloatingPointError("loss is not finite")
        return loss

    step_count = [0]

    def spoil(step, x, y):
        return (x * 1e4 if step >= STEP else x), y

    def run():
        model = Net()
        optimizer = torch.optim.SGD(model.parameters(), 0.05)
        for x, y in batches(spoil, STEP + 2):
            optimizer.zero_grad()
            loss = careful(model, x, y)
            loss.backward()
            step_count[0] += 1
            optimizer.step()

    found = replay(*kept(run))
    assert (found.step, found.target) == (STEP, "torch.log")


def layers_of_every_kind():
    return {
        "convolution": (
            nn.Sequential(
                *(nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 4, 3, padding=1), nn.BatchNorm1d(4), nn.ReLU()),
                *(nn.MaxPool1d(2), nn.Dropout(0.3), nn.Flatten(), nn.Linear(12, 3)),
            )
        ),
        "transformer": nn.Sequential(
            nn.Unflatten(1, (3, 2)),
            nn.TransformerEncoderLayer(2, 1, 8, batch_first=True),
            nn.Flatten(),
            nn.Linear(6, 3),
        ),
        "norm": nn.Sequential(nn.Linear(6, 8, bias=False), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3)),
    }


@pytest.mark.parametrize("kind", layers_of_every_kind())
def test_layers_are_built_again_with_their_weights(kept, kind):
    model = layers_of_every_kind()[kind]

    def unstable(model, x, y):
        return -torch.log(torch.softmax(model(x) * x[0, 0], 1)).mean()

    found = replay(*kept(train, model, unstable, at(STEP, lambda x: torch.cat([x[:1] * 0 + 1e5, x[1:]]))))
    assert (found.where, found.target) == ("forward", "torch.log")


def test_random_numbers_are_those_of_the_step(kept):
    seen = []

    def noisy(model, x, y):
        out = model(x)
        noise = torch.rand(len(x))
        seen.append(noise.clone())
        return (F.cross_entropy(out, y, reduction="none") / (noise > x[0, 0] * 1e-4).float().prod()).mean()

    (step,) = kept(train, Net(), noisy, at(STEP, lambda x: x * 0 + 1e5))
    torch.set_rng_state(torch.tensor(step.arrays["random"]))
    assert torch.equal(torch.rand(16), seen[STEP])


def test_a_tensor_made_in_a_function_that_is_over_is_found(kept):
    def helper(model, x, y):
        weight = (x[:, 0] * 2).abs()
        return (F.cross_entropy(model(x), y, reduction="none") / weight).mean()

    found = replay(*kept(train, Net(), helper, at(STEP, lambda x: x * 0)))
    assert (found.where, found.target) == ("forward", "torch.Tensor.div")


def test_a_function_that_holds_on_to_its_variables_keeps_them_as_they_were(kept):
    held = []

    def holder(model, x, y):
        local = x * 2
        mine = locals()
        loss = F.cross_entropy(model(local), y)
        held.append(sorted(mine))
        return loss

    kept(train, Net(), holder)
    assert held == [["held", "local", "model", "x", "y"]] * (STEP + 4)


def test_a_healthy_run_keeps_nothing(kept):
    assert kept(train, Net(), lambda model, x, y: F.cross_entropy(model(x), y)) == []


def test_what_is_computed_outside_of_torch_is_said_to_be_in_the_way(kept):
    def through_numpy(model, x, y):
        weight = torch.from_numpy(model(x).detach().numpy()[:, 0] * 2).abs()
        return (F.cross_entropy(model(x), y, reduction="none") / (weight * x[:, 0])).mean()

    (step,) = kept(train, Net(), through_numpy, at(STEP, lambda x: x * 0))
    with pytest.raises(UsageError, match="what it gives to abs is in no variable"):
        replay_kept(step)


@pytest.mark.parametrize(
    "change",
    [
        lambda program: program["operations"][0].update(target="os.system"),
        lambda program: program["operations"][0].update(target="torch.load"),
        lambda program: program["layers"]["first"].update({"class": "Module.__subclasses__"}),
        lambda program: program["layers"]["first"].update({"class": "system"}),
        lambda program: program["operations"][0].update(args={"eval": "1"}),
        lambda program: program.pop("loss"),
    ],
)
def test_what_a_file_says_is_never_looked_up_outside_of_pytorch(kept, change):
    import copy
    import dataclasses

    (step,) = kept(train, Net(), normalized, at(STEP, lambda x: x * 0))
    program = copy.deepcopy(dict(step.program))
    change(program)
    with pytest.raises(UsageError, match="damaged"):
        replay_kept(dataclasses.replace(step, program=program))
