"""Clipping that comes before there are gradients, and clipping that does not."""

import math

import numpy as np
import pytest
import torch
from loops import batch, small_net
from torch.nn import functional as F


def loop(before=None, after=None, last=None, models=1):
    """Calls something with all parameters before backward, before the step and after it."""
    nets = [small_net() for _ in range(models)]
    optimizers = [torch.optim.SGD(net.parameters(), 0.1) for net in nets]
    for _ in range(5):
        for net, optimizer in zip(nets, optimizers, strict=True):
            x, y = batch()
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            for call in (before, loss.backward, after, optimizer.step, last):
                if call is not None:
                    call(*[net.parameters()] * (call in (before, after, last)))


def norm(parameters):
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)


def value(parameters):
    torch.nn.utils.clip_grad_value_(parameters, 1.0)


@pytest.mark.parametrize(
    ("clip", "place", "count"),
    [(norm, "before", 1), (norm, "last", 1), (value, "last", 1), (norm, "after", 0), (value, "after", 0)],
)
def test_clips_are_counted_if_no_backward_pass_came_before(watched, clip, place, count):
    with watched() as seen:
        loop(**{place: clip})
    assert seen.trace.scalar("idle_clips")[2:].tolist() == [count] * 3
    assert bool(math.isnan(seen.trace.scalar("clipped")[-1])) is (count == 1)
    assert ("idle_clip" in seen.trace.run.sources) is (count == 1)
    if count:
        assert "parameters, 1.0)" in seen.trace.run.sources["idle_clip"].text


def test_the_norm_alone_is_no_clipping(watched):
    with watched() as seen:
        loop(before=lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, math.inf))
    assert not seen.trace.scalar("idle_clips").any()


def test_of_several_trainings_nothing_is_said(watched):
    with watched() as seen:
        loop(before=norm, models=2)
    assert not any(trace.scalar("idle_clips")[2:].any() for trace in seen.traces)


@pytest.mark.parametrize(("given", "count"), [(lambda parameters: iter(()), 1), (lambda parameters: parameters, 0)])
def test_a_clip_that_is_given_no_parameters_is_told_from_one_that_is(watched, given, count):
    with watched() as seen:
        loop(after=lambda parameters: torch.nn.utils.clip_grad_norm_(given(parameters), 1.0))
    assert seen.trace.scalar("idle_clips")[2:].tolist() == [count] * 3
    assert np.isnan(seen.trace.scalar("clipped")[2:]).all() == bool(count)
    assert ("empty_clip" in seen.trace.run.sources) is bool(count)


def test_gradients_that_are_all_zero_have_a_norm_of_zero(watched):
    def clip(parameters):
        parameters = list(parameters)
        for each in parameters:
            each.grad.zero_()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)

    with watched() as seen:
        loop(after=clip)
    assert not seen.trace.scalar("idle_clips").any()
