"""The line that gave a layer's weights their first values."""

import pytest
import torch
from loops import batch
from torch import nn
from torch.nn import functional as F


def first_line(watched, fill, build=lambda: nn.Linear(4, 3)):
    """The text of the line, None if it is not known."""
    x, y = batch()
    with watched() as seen:
        model = build()
        fill(model)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    source = seen.trace.layers[0].sources.get("initializer")
    return source.text if source else None


def by_parameter(model):
    nn.init.xavier_uniform_(model.weight)


def by_data(model):
    nn.init.normal_(model.weight.data, std=0.5)


@pytest.mark.parametrize("fill", [by_parameter, by_data])
def test_a_function_of_nn_init_shows_its_call(watched, fill):
    assert first_line(watched, fill).startswith("nn.init.")


def test_the_latest_call_counts(watched):
    def twice(model):
        nn.init.zeros_(model.weight)
        nn.init.ones_(model.weight)

    assert first_line(watched, twice) == "nn.init.ones_(model.weight)"


@pytest.mark.parametrize("fill", [lambda model: None, lambda model: nn.init.zeros_(model.bias)])
def test_a_layer_whose_own_constructor_filled_it_has_no_such_line(watched, fill):
    assert first_line(watched, fill) is None


def test_values_that_a_layer_gives_itself_anew_are_its_own(watched):
    def again(model):
        nn.init.zeros_(model.weight)
        model.reset_parameters()

    assert first_line(watched, again) is None


def test_the_functions_give_the_same_numbers_and_are_put_back(watched):
    torch.manual_seed(3)
    plain, original = nn.init.normal_(torch.empty(5)), nn.init.normal_
    with watched():
        torch.manual_seed(3)
        assert torch.equal(nn.init.normal_(torch.empty(5)), plain)
        assert nn.init.normal_ is not original
    assert nn.init.normal_ is original
