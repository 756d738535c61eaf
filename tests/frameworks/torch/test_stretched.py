"""Losses of the user's own that compare all answers with all targets."""

import pytest
import torch
from torch import nn

from deeplocalize.frameworks.torch.stretched import stretched

LAYER = nn.Linear(3, 1)
INPUTS, FLAT = torch.randn(6, 3), torch.randn(6)
COLUMN = FLAT[:, None]


def found(loss, answer=lambda output: output):
    """True if the layer's output is found to be stretched in `loss(answer, ...)`."""
    output = LAYER(INPUTS)
    node = stretched(loss(answer(output)).grad_fn, [output.grad_fn])
    assert node in (None, output.grad_fn)
    return node is not None


def huber(error):
    small = error.abs().clamp(max=1.0)
    return (0.5 * small**2 + error.abs() - small).mean()


@pytest.mark.parametrize(
    "loss",
    [
        lambda p: huber(p - FLAT),
        lambda p: huber(FLAT - p),
        lambda p: torch.max(0.9 * (FLAT - p), -0.1 * (FLAT - p)).mean(),
        lambda p: torch.log(torch.cosh(p - FLAT)).sum(),
        lambda p: huber(p - FLAT) + 0.1 * p.square().mean(),
    ],
    ids=["huber", "turned", "quantile", "log-cosh", "penalty"],
)
def test_a_column_less_a_flat_target_is_found_whatever_is_made_of_it(loss):
    assert found(loss)


def test_a_flat_answer_less_a_column_is_too():
    assert found(lambda p: huber(p - COLUMN), lambda output: output.squeeze(1))


@pytest.mark.parametrize(
    ("loss", "answer"),
    [
        (lambda p: huber(p - COLUMN), lambda output: output),
        (lambda p: huber(p - FLAT), lambda output: output.squeeze(1)),
        (lambda p: huber(p - 1.0), lambda output: output),
        (lambda p: huber(p - FLAT[:1]), lambda output: output),
        (lambda p: huber(p[:, None] - FLAT), lambda output: output.squeeze(1)),
        (lambda p: huber(p - FLAT[:4]), lambda output: output),
    ],
    ids=["columns", "flat", "number", "one", "on-purpose", "other-length"],
)
def test_others_are_not(loss, answer):
    assert not found(loss, answer)


def test_a_loss_that_compares_pairs_of_answers_compares_all_with_all_on_purpose():
    assert not found(lambda p: torch.exp(-(p - FLAT).square()).mean() - torch.exp(-(p - p.T).square()).mean())
