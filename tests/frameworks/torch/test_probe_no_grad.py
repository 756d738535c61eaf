"""What runs while gradients are not recorded: a part of the step, or an evaluation."""

import numpy as np
import pytest
import torch
from loops import batch, small_net
from torch import nn
from torch.nn import functional as F


class Frozen(nn.Module):
    """A head on an encoder that is called under no_grad."""

    def __init__(self):
        super().__init__()
        self.encoder, self.head = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x):
        with torch.no_grad():
            code = self.encoder(x)
        return self.head(code)


def train(forward, *models, steps=5, before=lambda: None):
    x, y = batch()
    optimizer = torch.optim.SGD([each for model in models for each in model.parameters()], 0.1)
    before()
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(forward(x), y).backward()
        optimizer.step()


def graph(trace):
    return [set(column) for column in trace.series("layer", "graph").T.tolist()]


def test_a_layer_within_a_pass_with_gradients_takes_part_and_is_recorded(watched):
    with watched() as seen:
        model = Frozen()
        train(model, model)
    encoder, head = seen.trace.layers
    assert graph(seen.trace) == [{0.0}, {1.0}]
    assert (encoder.order, head.order) == (0, 1)
    assert encoder.sources["no_grad"].text == "code = self.encoder(x)"
    assert np.isfinite(seen.trace.series("activation", "rms")).all()
    assert seen.trace.series("layer", "reached").max(axis=0).tolist() == [0, 1]


def test_a_model_of_its_own_is_told_apart_from_one_that_has_no_part_in_the_step(watched):
    with watched() as seen:
        first, second = nn.Linear(4, 8), nn.Linear(8, 3)

        def forward(x):
            with torch.no_grad():
                code = first(x)
            return second(code)

        train(forward, first, second)
    later = seen.trace.series("layer", "graph")[1:]  # which models an optimizer holds is known after the first step
    by_size = dict(zip([each.input_shape for each in seen.trace.layers], later.T.tolist(), strict=True))
    assert by_size == {None: [0.0] * 4, (8,): [1.0] * 4}
    (source,) = [each.sources["no_grad"] for each in seen.trace.layers if "no_grad" in each.sources]
    assert source.text == "code = first(x)"


@pytest.mark.parametrize("when", ["before", "within"])
def test_an_evaluation_of_the_model_that_is_trained_is_no_part_of_the_step(watched, when):
    with watched() as seen:
        model = small_net()

        def evaluate():
            with torch.no_grad():
                model(batch()[0] + 100)

        def forward(x):
            answer = model(x)
            evaluate()
            return answer

        train(forward if when == "within" else model, model, before=evaluate if when == "before" else lambda: None)
    assert graph(seen.trace) == [{1.0}, {1.0}, {1.0}]
    assert np.nanmax(seen.trace.series("activation", "max")) < 10


def test_a_layer_that_runs_with_and_without_gradients_is_recorded_as_it_ran_with(watched):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.head = nn.Linear(4, 8), nn.Linear(8, 3)

        def forward(self, x):
            answer = self.head(self.encoder(x))
            with torch.no_grad():
                self.encoder(x + 100)
            return answer

    with watched() as seen:
        model = Twice()
        train(model, model)
    assert graph(seen.trace) == [{1.0}, {1.0}]
    assert np.nanmax(seen.trace.series("activation", "max")) < 20


def test_nothing_is_held_of_what_no_backward_pass_needs(watched):
    with watched() as seen:
        model = Frozen()
        train(model, model, steps=40)
        layer = next(each for each in seen.probe._all_models()[0].layers if each.name == "encoder")
        model(batch()[0])
        held = list(layer.inputs), layer.output
    assert held == ([], None)
