"""States that are kept without a copy, and loaded into the module that they belong to."""

import copy
import inspect

import pytest
import torch
from loops import batch, small_net
from torch.nn import functional as F


def steps(model, count=2):
    x, y = batch()
    optimizer = torch.optim.Adam([each for each in model.parameters() if each.requires_grad], 0.01)
    for _ in range(count):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def as_it_is(model):
    return model.state_dict()


def restored(watched, keep, give_back=lambda model, state: model.load_state_dict(state), between=steps):
    with watched() as seen:
        model = small_net()
        steps(model)
        state = keep(model)
        between(model)
        give_back(model, state)
    assert not seen.session.log.traces()[0].failures
    return seen.traces[-1].run.restored


def test_a_state_that_is_kept_as_it_is_is_known_with_both_lines(watched):
    with watched() as seen:
        model = small_net()
        steps(model)
        state, kept = model.state_dict(), inspect.currentframe().f_lineno
        steps(model, 3)
        model.load_state_dict(state)
        line = inspect.currentframe().f_lineno - 1
    (found,) = seen.trace.run.restored
    assert (found.tensors, found.changes) == (len(list(model.parameters())), 3)
    assert (found.kept.line, found.source.line) == (kept, line)


def test_the_model_may_be_gone_by_the_end_of_the_program(watched):
    def program():
        model = small_net()
        steps(model)
        state = model.state_dict()
        steps(model)
        model.load_state_dict(state)

    with watched() as seen:
        program()
    assert seen.trace.run.restored


@pytest.mark.parametrize(
    "keep",
    [
        lambda model: dict(model.state_dict()),
        lambda model: {name: value.cpu() for name, value in model.state_dict().items()},
        lambda model: copy.copy(model.state_dict()),
    ],
    ids=["dict", "cpu", "copy"],
)
def test_so_is_one_that_was_copied_without_its_tensors(watched, keep):
    assert restored(watched, keep)


@pytest.mark.parametrize(
    "keep",
    [
        lambda model: copy.deepcopy(model.state_dict()),
        lambda model: {name: value.clone() for name, value in model.state_dict().items()},
        lambda model: copy.deepcopy(model).state_dict(),
        lambda model: {},
    ],
    ids=["deepcopy", "clone", "model", "empty"],
)
def test_a_copy_is_what_it_should_be(watched, keep):
    assert restored(watched, keep, lambda model, state: model.load_state_dict(state, strict=False)) == ()


def test_without_a_step_in_between_nothing_is_lost(watched):
    assert restored(watched, as_it_is, between=lambda model: None) == ()


def test_other_weights_in_between_are_a_change_as_well(watched):
    other = small_net().state_dict()
    assert restored(watched, as_it_is, between=lambda model: model.load_state_dict(other))[0].changes == 1


def test_what_was_changed_in_place_since_the_last_step_is_there_to_stay(watched):
    def average(model, state):
        for value in state.values():
            value.mul_(0.5)
        model.load_state_dict(state)

    assert restored(watched, as_it_is, average) == ()


def test_weights_of_which_a_part_is_new_are_not_those_of_the_model(watched):
    def with_new_head(model, state):
        model.load_state_dict(state | {"2.bias": torch.zeros_like(state["2.bias"])})

    assert list(small_net().state_dict())[-1] == "2.bias"
    assert restored(watched, lambda model: dict(model.state_dict()), with_new_head) == ()


def test_another_model_may_follow_this_one(watched):
    target = small_net()
    assert restored(watched, as_it_is, lambda model, state: target.load_state_dict(state)) == ()


def test_a_state_that_nobody_holds_is_forgotten(watched):
    from deeplocalize.frameworks.torch import references

    with watched():
        model = small_net()
        for _ in range(3):
            model.state_dict()
        assert not references._KEPT
        held = [model.state_dict() for _ in range(references.MOST_KEPT + 5)]
        assert len(references._KEPT) == references.MOST_KEPT
        held.clear()
        assert not references._KEPT
    assert not references._KEPT
