"""Softmaxes inside of a model that run over a single number or over the examples."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

QUERY, KEYS = torch.randn(5, 1, 4), torch.randn(5, 6, 4)


class Attention(nn.Module):
    """Adds up values, weighed by what `weigh` makes of a query, keys and a layer of one unit."""

    def __init__(self, weigh):
        super().__init__()
        self.score, self.key, self.value, self.weigh = nn.Linear(4, 1), nn.Linear(4, 4), nn.Linear(4, 4), weigh

    def forward(self, query, keys):
        return self.weigh(self.score, query, self.key(keys), self.value(keys))


def softmax_of(watched, weigh, query=QUERY, keys=KEYS):
    with watched() as seen:
        model = Attention(weigh)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            model(query, keys).square().mean().backward()
            optimizer.step()
    return seen.trace.run.inner_softmax


def products(query, keys):
    return query @ keys.transpose(1, 2)


@pytest.mark.parametrize(
    ("weigh", "axis", "after"),
    [
        (lambda s, q, k, v: F.softmax(products(q, k), 1) @ v, 1, None),
        (lambda s, q, k, v: (products(q, k) / 2).masked_fill(k[:, None, :, 0] > 9, -9).softmax(1) @ v, 1, None),
        (lambda s, q, k, v: v.transpose(1, 2) @ torch.softmax(products(k, q), -1), 2, None),
        (lambda s, q, k, v: (torch.softmax(s(k), dim=-1) * v).sum(1), 2, 0),
        (lambda s, q, k, v: (nn.Softmax(-1)(s(k)) * v).sum(1), 2, 0),
    ],
    ids=["matrix", "masked", "turned", "one-unit", "module"],
)
def test_weights_that_are_all_one_are_found_with_their_line(watched, weigh, axis, after):
    found = softmax_of(watched, weigh)
    assert (found.axis, found.after) == (axis, after)
    assert found.source is None if "Softmax" in str(weigh) else found.source.text.count("oftmax")


@pytest.mark.parametrize(
    ("weigh", "keys"),
    [
        (lambda s, q, k, v: F.softmax(products(q, k), 2) @ v, KEYS),
        (lambda s, q, k, v: (torch.softmax(s(k), dim=1) * v).sum(1), KEYS),
        (lambda s, q, k, v: F.softmax(products(v, k), 2) @ v, KEYS[:, :1]),
        (lambda s, q, k, v: F.softmax(products(q, k), 2) @ v, KEYS[:, :1]),
        (lambda s, q, k, v: F.softmax(s(k).transpose(1, 2), 2) @ v, KEYS),
        (lambda s, q, k, v: torch.softmax(v, 1), KEYS),
    ],
    ids=["matrix", "one-unit", "one-position", "one-key", "turned", "output"],
)
def test_weights_over_positions_are_not_also_where_there_is_but_one(watched, weigh, keys):
    assert softmax_of(watched, weigh, keys=keys) is None


def test_many_queries_may_look_at_one_vector_of_context(watched):
    found = softmax_of(watched, lambda s, q, k, v: F.softmax(products(k, q), 2) @ v[:, :1])
    assert found is None


class Judge(nn.Module):
    """Weighs several numbers of each example, over an axis, and answers with `outputs` numbers."""

    def __init__(self, axis, outputs=1):
        super().__init__()
        self.score, self.answer, self.axis = nn.Linear(4, 1), nn.Linear(4, outputs), axis

    def forward(self, x):
        weights = torch.softmax(self.score(x).squeeze(-1), dim=self.axis)
        return self.answer((weights.unsqueeze(-1) * x).sum(1))


def softmax_of_judge(watched, axis, x, y, loss=F.mse_loss):
    with watched() as seen:
        model = Judge(axis)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
    return seen.trace.run.inner_softmax


def test_weights_over_the_examples_are_found(watched):
    found = softmax_of_judge(watched, 0, torch.randn(8, 5, 4), torch.randn(8, 1))
    assert (found.axis, found.shape) == (0, (None, 5))
    assert "dim=self.axis" in found.source.text
    assert softmax_of_judge(watched, 1, torch.randn(8, 5, 4), torch.randn(8, 1)) is None


def test_as_many_examples_as_numbers_may_be_matched_one_to_one(watched):
    assert softmax_of_judge(watched, 0, torch.randn(5, 5, 4), torch.randn(5, 1)) is None


def test_a_bag_has_fewer_answers_than_instances(watched):
    def of_bag(answers, y):
        return F.mse_loss(answers.mean(0, keepdim=True), y)

    assert softmax_of_judge(watched, 0, torch.randn(8, 5, 4), torch.randn(1, 1), of_bag) is None


def test_weights_that_no_layer_made_may_be_as_many_as_examples(watched):
    class Mixture(nn.Module):
        def __init__(self):
            super().__init__()
            self.mix, self.layer = nn.Parameter(torch.randn(8, 3)), nn.Linear(4, 8)

        def forward(self, x):
            return (self.layer(x) @ torch.softmax(self.mix, dim=0)).sum(1, keepdim=True)

    with watched() as seen:
        model = Mixture()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            F.mse_loss(model(torch.randn(8, 4)), torch.randn(8, 1)).backward()
            optimizer.step()
    assert seen.trace.run.inner_softmax is None
