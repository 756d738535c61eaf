"""A model that a loop builds anew for each step goes on with the training of the one before it; others do not."""

import copy

import pytest
import torch
from loops import batch
from torch import nn
from torch.nn import functional as F

WIDTHS = iter(range(4, 20))


def build(width=8):
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 3))


def fresh(build=build, steps=1, prepare=None, optimizer=torch.optim.Adam):
    x, y = batch()
    model = build()
    if prepare is not None:
        prepare(model)
    stepping = optimizer(model.parameters())
    for _ in range(steps):
        stepping.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        stepping.step()
    return loss.item()


def test_models_built_anew_for_each_step_are_one_training(watched):
    with watched() as seen:
        losses = [fresh() for _ in range(8)]
    (trace,) = seen.traces
    assert trace.scalar("rebuilt_models").tolist() == [0, 1, 1, 1, 1, 1, 1, 1]
    assert trace.scalar("rebuilt_optimizers").tolist() == [0] * 8
    assert trace.scalar("loss").tolist() == pytest.approx(losses)
    assert [layer.type for layer in trace.layers] == ["Linear", "ReLU", "Linear"]
    assert len(trace.run.optimizers) == len(trace.run.objectives) == 1
    assert trace.run.optimized == trace.run.parameters > 0


def test_the_line_that_builds_them_is_the_one_in_the_loop(watched):
    x, y = batch()
    with watched() as seen:
        for _ in range(12):
            model = build()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
    (trace,) = seen.traces
    assert trace.run.sources["model_built"].text == "model = build()"
    assert trace.scalar("rebuilt_models").sum() == 11


def test_an_optimizer_built_behind_the_loss_makes_no_difference(watched):
    x, y = batch()
    with watched() as seen:
        for _ in range(6):
            model = build()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            optimizer.step()
    (trace,) = seen.traces
    assert trace.scalar("rebuilt_models").tolist() == [0, 1, 1, 1, 1, 1]


def kept(models=[]):  # noqa: B006 - on purpose: the list outlives the call
    models.append(build())
    return models[-1]


def copied(first=build()):  # noqa: B008 - on purpose: one model for all calls
    return copy.deepcopy(first)


def same_weights(first=build()):  # noqa: B008
    def prepare(model):
        for mine, theirs in zip(model.parameters(), first.parameters(), strict=True):
            mine.data.copy_(theirs + 0.01 * torch.randn_like(theirs))

    return prepare


def loaded(first=build()):  # noqa: B008
    return lambda model: model.load_state_dict(first.state_dict())


@pytest.mark.parametrize(
    "facts",
    [
        {"steps": 2},
        {"build": kept},
        {"build": copied},
        {"prepare": same_weights()},
        {"prepare": loaded()},
        {"build": lambda: build(next(WIDTHS))},
    ],
    ids=["two steps each", "still there", "copied", "the same weights", "loaded", "other layers"],
)
def test_any_other_model_begins_a_training_of_its_own(watched, facts):
    with watched() as seen:
        for _ in range(4):
            fresh(**facts)
    assert len(seen.traces) == 4
    assert all(trace.scalar("rebuilt_models").max() == 0 for trace in seen.traces)


def test_models_of_two_lines_are_two_trainings(watched):
    with watched() as seen:
        for _ in range(4):
            fresh(lambda: nn.Linear(4, 3))
            fresh(lambda: nn.Sequential(nn.Linear(4, 3)))
    assert [trace.scalar("rebuilt_models").tolist() for trace in seen.traces] == [[0, 1, 1, 1]] * 2


def test_weights_that_do_not_vary_tell_nothing_and_count(watched):
    def prepare(model):
        for each in model.parameters():
            nn.init.constant_(each, 0.1)

    with watched() as seen:
        for _ in range(4):
            fresh(prepare=prepare)
    assert seen.trace.scalar("rebuilt_models").tolist() == [0, 1, 1, 1]


def test_a_model_that_is_wrapped_anew_in_each_step_is_no_new_one(watched):
    x, y = batch()
    with watched() as seen:
        body, head = nn.Linear(4, 8), nn.Linear(8, 3)
        optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], 0.1)
        for _ in range(6):
            optimizer.zero_grad()
            F.cross_entropy(nn.Sequential(body, nn.ReLU(), head)(x), y).backward()
            optimizer.step()
    (trace,) = seen.traces
    assert trace.scalar("rebuilt_models").tolist() == [0] * 6
