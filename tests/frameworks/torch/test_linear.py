from types import SimpleNamespace

import pytest
import torch
from loops import train
from torch import nn
from torch.nn import functional as F

from deeplocalize.frameworks.torch.linear import is_linear

SCALE = nn.Parameter(torch.ones(3))
FIRST, SECOND, IMAGES = nn.Linear(3, 3), nn.Linear(3, 3, bias=False), nn.Conv2d(1, 2, 3)
DROPOUT, NORM, FROZEN = nn.Dropout(), nn.BatchNorm1d(3), nn.Linear(3, 3).requires_grad_(False)


def answer(program, shape=(4, 3)):
    """is_linear of what a program makes of inputs; `layer` in it calls a module as a watched layer."""
    states = {}

    def layer(module, x, kind):
        output = module(x)
        states[output.grad_fn] = SimpleNamespace(facts=SimpleNamespace(kind=kind))
        return output

    return is_linear(program(torch.rand(shape), layer).grad_fn, states)


@pytest.mark.parametrize(
    "program",
    [
        lambda x, layer: SECOND(FIRST(x)),
        lambda x, layer: SECOND(FIRST(x)[None].transpose(0, 1)).mean(dim=1),
        lambda x, layer: NORM(FIRST(x)) * 0.5 / 3 + x - 1,
        lambda x, layer: SECOND(FIRST(x) * SCALE),
        lambda x, layer: SECOND(layer(DROPOUT, FIRST(x), "dropout")),
        lambda x, layer: layer(FROZEN, FIRST(x), "dense"),
        lambda x, layer: torch.cat([FIRST(x), SECOND(x)], dim=1),
    ],
)
def test_sums_and_products_with_weights_are_linear(program):
    assert answer(program)


def test_convolutions_and_means_of_images_are_linear():
    assert answer(lambda x, layer: F.avg_pool2d(IMAGES(x), 2).flatten(1), (4, 1, 8, 8))
    assert not answer(lambda x, layer: F.max_pool2d(IMAGES(x), 2).flatten(1), (4, 1, 8, 8))


@pytest.mark.parametrize(
    "program",
    [
        lambda x, layer: SECOND(torch.relu(FIRST(x))),
        lambda x, layer: SECOND(torch.sin(FIRST(x))),
        lambda x, layer: SECOND(FIRST(x).abs()),
        lambda x, layer: FIRST(x) * x,  # a gate
        lambda x, layer: FIRST(x) * SECOND(x),
        lambda x, layer: FIRST(x) / (1 + x.sum(dim=1, keepdim=True)),
        lambda x, layer: FIRST(x) @ SECOND(x).T,  # attention
        lambda x, layer: torch.where(x > 0.5, FIRST(x), SECOND(x)),
        lambda x, layer: torch.maximum(FIRST(x), SECOND(x)),
        lambda x, layer: F.layer_norm(FIRST(x), (3,)),
        lambda x, layer: F.dropout(FIRST(x)),  # not known for certain
    ],
)
def test_everything_else_is_not(program):
    assert not answer(program)


class Features(nn.Module):
    def __init__(self, frozen, function):
        super().__init__()
        self.project, self.head, self.function = nn.Linear(4, 8), nn.Linear(8, 3), function
        self.project.requires_grad_(not frozen)

    def forward(self, x):
        return self.head(self.function(self.project(x)))


@pytest.mark.parametrize(
    ("frozen", "function", "linear"),
    [(False, torch.neg, True), (False, torch.cos, False), (True, torch.cos, False), (True, torch.neg, False)],
)
def test_what_is_done_with_the_output_of_frozen_layers_is_not_known(watched, frozen, function, linear):
    model = Features(frozen, function)
    with watched() as seen:
        train(model, torch.optim.SGD(model.head.parameters(), 0.1))
    assert seen.trace.run.objectives[0].head.linear == linear
