"""Losses that multiply a number of each example with the factors of all examples."""

import inspect

import pytest
import torch
from torch import nn
from torch.distributions import Categorical

from deeplocalize.frameworks.torch.products import multiplies_all

LAYER = nn.Linear(3, 4)
INPUTS, ACTIONS = torch.randn(6, 3), torch.randint(4, (6,))
FLAT = torch.randn(6)
COLUMN = FLAT[:, None]


def found(loss, chosen=lambda logits: logits.log_softmax(1).gather(1, ACTIONS[:, None]).squeeze(1)):
    output = LAYER(INPUTS)
    return multiplies_all(loss(chosen(output)).grad_fn, [output])


@pytest.mark.parametrize(
    "loss",
    [
        lambda p: (p * COLUMN).mean(),
        lambda p: (-COLUMN * p).sum(),
        lambda p: (-(p * COLUMN) * 0.5 / 3).mean(),
        lambda p: torch.min(p.exp() * COLUMN, p.exp().clamp(0.8, 1.2) * COLUMN).mean(),
    ],
    ids=["mean", "sum", "scaled", "clipped"],
)
def test_flat_times_a_column_is_found(loss):
    assert found(loss)


def test_a_column_times_something_flat_is_too():
    assert found(lambda p: (p * FLAT).mean(), lambda logits: logits[:, :1])


@pytest.mark.parametrize(
    ("loss", "chosen"),
    [
        (lambda p: (p * FLAT).mean(), None),
        (lambda p: (p[:, None] * FLAT).mean(), None),
        (lambda p: (p[:, None] * p).mean(), None),
        (lambda p: (p * COLUMN).sum(0).square().mean(), None),
        (lambda p: (p * COLUMN).relu().mean(), None),
        (lambda p: (p * COLUMN * torch.eye(6)).mean(), None),
        (lambda p: (p * torch.ones(6, 1)).mean(), None),
        (lambda p: (p * FLAT[:5, None]).mean(), None),
        (lambda p: (p[:5] * FLAT[:5, None]).mean(), None),
        (lambda p: (p * COLUMN).mean(), lambda logits: logits[:, :1]),
        (lambda p: (p @ torch.ones(4, 6) * COLUMN).mean(), lambda logits: logits),
        (lambda p: (p * COLUMN).mean() + p.sum(), None),
    ],
    ids="same purpose pairs axis of-pairs masked equal other-length not-the-answers columns matrix added".split(),
)
def test_others_are_not(loss, chosen):
    assert not (found(loss, chosen) if chosen else found(loss))


def test_a_parameter_times_a_column_of_data_is_no_product_of_examples():
    scale = nn.Parameter(torch.ones(6))
    assert not multiplies_all((scale * COLUMN).mean().grad_fn, [COLUMN])


@pytest.mark.parametrize("squeezed", [False, True])
def test_the_line_of_a_policy_loss_is_named(watched, squeezed):
    policy, optimizer = None, None
    with watched() as seen:
        policy = nn.Linear(3, 4)
        optimizer = torch.optim.SGD(policy.parameters(), 0.1)
        for _ in range(3):
            choice = Categorical(logits=policy(INPUTS))
            factors = FLAT if squeezed else COLUMN
            line, loss = inspect.currentframe().f_lineno, -(choice.log_prob(ACTIONS) * factors).mean()
            loss = loss - 0.01 * choice.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    told = [each.loss for each in seen.trace.run.objectives if each.loss.multiplies_all]
    assert [each.source.line for each in told] == ([] if squeezed else [line])
