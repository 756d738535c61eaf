"""What was loaded into the models of a training."""

import inspect

import torch
from loops import batch, small_net
from torch import nn
from torch.nn import functional as F


def steps(model, count=3):
    x, y = batch()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(count):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


class Wrapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = small_net()

    def forward(self, x):
        return self.net(x)


def test_names_that_do_not_fit_are_counted_with_the_line_of_the_call(watched):
    with watched() as seen:
        model = small_net()
        state = {f"module.{name}": value for name, value in model.state_dict().items()}
        line = inspect.currentframe().f_lineno + 1
        model.load_state_dict(state, strict=False)
        steps(model)
    (loading,) = seen.trace.run.loaded
    assert (loading.found, loading.missing, loading.unexpected) == (0, len(state), len(state))
    assert loading.given == f"module.{loading.wanted}"
    assert loading.source.line == line


def test_what_fits_is_found(watched):
    with watched() as seen:
        model = small_net()
        result = model.load_state_dict(small_net().state_dict())
        steps(model)
    assert not result.missing_keys and not result.unexpected_keys
    (loading,) = seen.trace.run.loaded
    assert (loading.missing, loading.unexpected) == (0, 0) and loading.found == len(model.state_dict())


def test_a_part_that_was_loaded_belongs_to_its_model(watched):
    with watched() as seen:
        model = Wrapped()
        model.net.load_state_dict({"other": torch.zeros(1)}, strict=False)
        steps(model)
    assert seen.trace.run.loaded[0].unexpected == 1


def test_a_loading_that_comes_after_one_without_effect_counts_in_its_place(watched):
    with watched() as seen:
        model = Wrapped()
        state = small_net().state_dict()
        model.load_state_dict(state, strict=False)
        model.net.load_state_dict(state)
        steps(model)
    (loading,) = seen.trace.run.loaded
    assert loading.found == len(state) and loading.unexpected == 0


def test_what_another_model_was_given_is_not_told(watched):
    with watched() as seen:
        other, model = small_net(), small_net()
        other.load_state_dict({"x": torch.zeros(1)}, strict=False)
        steps(model)
    assert seen.trace.run.loaded == ()


def test_an_error_of_the_loading_is_the_programs_own(watched):
    with watched() as seen:
        small_net().load_state_dict({"x": torch.zeros(1)})
    assert isinstance(seen.error, RuntimeError) and not seen.session.failures


def test_what_is_loaded_in_vain_into_a_copy_of_what_was_trained_is_known(watched):
    def program():
        model = Wrapped()
        steps(model)
        copy = small_net()
        copy.load_state_dict(model.state_dict(), strict=False)

    with watched() as seen:
        program()
    (loading,) = seen.trace.run.loaded
    assert (loading.found, loading.missing, loading.given) == (0, 4, f"net.{loading.wanted}")


def test_but_not_into_other_networks_nor_where_it_fits(watched):
    with watched() as seen:
        model = small_net()
        steps(model)
        nn.Linear(2, 2).load_state_dict({"net.weight": torch.zeros(2, 2)}, strict=False)
        small_net().load_state_dict(model.state_dict())
    assert seen.trace.run.loaded == ()
