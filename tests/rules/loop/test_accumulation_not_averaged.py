import math

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loop.accumulation_not_averaged import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Loss, Optimizer
from deeplocalize.trace.schema import Head

BASELINE = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)


def run(passes=16, forwards=None, factor=1.0, first=0.12, then=0.12, loss=None, optimizer="sgd", steps=200):
    """Steps that gather so many passes, of this relative length; without a loss it is not finite from the third step on."""
    lengths = np.full((steps, 1), float(then))
    lengths[0] = first
    lost = np.arange(steps) > 1 if loss is None else np.zeros(steps, bool)
    scalars = {
        "backwards": float(passes),
        "forwards": float(passes if forwards is None else forwards),
        "loss": np.where(lost, np.nan, 2.3 if loss is None else loss),
        "loss.nonfinite": lost,
    }
    facts = make_run(
        Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index", factor=factor),
        Head(),
        optimizer=Optimizer(optimizer, optimizer.upper(), {"learning_rate": 0.1}),
        sources={"backward": source(52), "step": source(55)},
    )
    columns = {"weight.rms": 1.0, "weight_update.rms": lengths}
    return make_trace(steps=steps, scalars=scalars, columns=columns, data=BASELINE, run=facts)


def test_a_sum_over_passes_that_makes_the_steps_too_long_is_named_where_backward_is_called():
    (found,) = check.run(run())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("training-loop", None, source(52))
    assert found.message.startswith("Each step adds up the gradients of 16 passes instead of averaging them")
    assert found.remedies[0].after == "(loss / 16).backward()"


@pytest.mark.parametrize(("factor", "count"), [(1.0, 1), (0.5, 1), (1 / 4, 0), (1 / 16, 0)])
def test_a_loss_that_is_divided_is_averaged(factor, count):
    assert len(check.run(run(factor=factor))) == count


@pytest.mark.parametrize(("passes", "count"), [(11, 0), (12, 1)])
def test_the_sum_must_be_what_makes_them_too_long(passes, count):
    assert len(check.run(run(passes))) == count


@pytest.mark.parametrize(("passes", "count"), [(1, 0), (2, 1)])
def test_one_pass_is_no_sum(passes, count):
    assert len(check.run(run(passes, first=0.009, factor=10.0))) == count


def test_several_losses_of_one_forward_pass_are_a_sum_that_is_meant():
    assert check.run(run(forwards=1)) == ()


def test_short_steps_are_no_harm():
    assert check.run(run(first=0.05, then=0.05)) == ()


def test_an_optimizer_that_divides_by_the_gradients_size_does_not_feel_it():
    assert check.run(run(optimizer="adam")) == ()


def test_a_network_that_learns_is_not_accused():
    assert check.run(run(loss=np.geomspace(2.3, 0.1, 200))) == ()
    assert len(check.run(run(loss=np.full(200, 2.4)))) == 1


def test_where_the_passes_are_not_known_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
