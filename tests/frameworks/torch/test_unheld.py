"""A generator that no optimizer holds, as its own was given the parameters of the discriminator."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F


def nets():
    make, judge = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    return make, judge


def play(make, judge, of_judge, of_make, detach=True):
    """Trains both in turns, for a few rounds."""
    for _ in range(4):
        made = make(torch.randn(6, 2))
        made = made.detach() if detach else made
        loss = F.softplus(-judge(torch.randn(6, 3))).mean() + F.softplus(judge(made)).mean()
        of_judge.zero_grad()
        loss.backward()
        of_judge.step()
        loss = F.softplus(-judge(make(torch.randn(6, 2)))).mean()
        of_make.zero_grad()
        loss.backward()
        of_make.step()


def adam(module):
    return torch.optim.Adam(module.parameters(), 0.01)


@pytest.mark.parametrize("detach", [True, False])
def test_the_optimizer_that_steps_for_a_model_none_holds_is_misplaced(watched, detach):
    with watched() as seen:
        make, judge = nets()
        of_judge = torch.optim.Adam(judge.parameters(), 0.01)
        of_make = torch.optim.Adam(judge.parameters(), 0.01)
        play(make, judge, of_judge, of_make, detach)
    (trace,) = seen.traces
    assert [each.misplaced for each in trace.run.optimizers] == [False, True]
    assert "of_make = " in trace.run.optimizers[1].source.text
    held = trace.series("layer", "optimized")[-1]
    assert [layer.name for layer, share in zip(trace.layers, held, strict=True) if share == 0] == ["Linear"]


def test_it_is_named_if_it_is_built_first(watched):
    with watched() as seen:
        make, judge = nets()
        of_make = torch.optim.Adam(judge.parameters(), 0.01)
        of_judge = torch.optim.Adam(judge.parameters(), 0.01)
        play(make, judge, of_judge, of_make)
    (misplaced,) = [each for each in seen.trace.run.optimizers if each.misplaced]
    assert "of_make = " in misplaced.source.text


def test_an_optimizer_for_each_model_is_as_it_should_be(watched):
    with watched() as seen:
        make, judge = nets()
        play(make, judge, adam(judge), adam(make))
    assert not any(each.misplaced for trace in seen.traces for each in trace.run.optimizers)


def test_a_network_that_is_compared_with_after_the_one_that_is_trained_need_not_be_held(watched):
    with watched() as seen:
        make, judge = nets()
        first, second = torch.optim.Adam(make.parameters(), 0.01), torch.optim.SGD(make.parameters(), 0.01)
        for optimizer in (first, second) * 3:
            optimizer.zero_grad()
            judge(make(torch.randn(6, 2))).mean().backward()
            optimizer.step()
    assert not any(each.misplaced for trace in seen.traces for each in trace.run.optimizers)


def test_features_of_a_network_need_not_be_trained(watched):
    with watched() as seen:
        make, judge = nets()
        optimizer = adam(judge)
        for _ in range(4):
            optimizer.zero_grad()
            judge(make(torch.randn(6, 2))).mean().backward()
            optimizer.step()
    assert not any(each.misplaced for trace in seen.traces for each in trace.run.optimizers)
