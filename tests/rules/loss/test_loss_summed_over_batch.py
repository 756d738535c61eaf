import dataclasses
import math

import numpy as np
import pytest

from deeplocalize.rules.loss.loss_summed_over_batch import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import Head, Loss, Optimizer

SUM = Loss("mean-squared-error", "MSELoss", "values", "elementwise", reduction="sum", source=source(30))
LOST = np.arange(200) >= 20


def run(
    loss=SUM, length=0.2, lost=LOST, optimizer="sgd", size=64, steps=200, framework="torch", settings=None, **facts
):
    """A run whose first step changes the weights by this share of their size, and in which all is lost after a while."""
    updates = np.full((steps, 1), length)
    lost = lost[:steps]
    curve = facts.pop("curve", np.geomspace(100, 1e6, steps))
    scalars = {"loss": np.where(lost, np.nan, curve), "loss.nonfinite": lost, "batch_size": size, **facts}
    made = make_run(
        loss, Head(2, units=1, shape=(1,)), Optimizer(optimizer, "SGD", settings or {}), framework=framework
    )
    columns = {"weight.rms": 1.0, "weight_update.rms": updates}
    return make_trace(steps=steps, scalars=scalars, columns=columns, run=made)


def test_a_sum_that_makes_steps_too_long_is_named_with_the_line_of_the_loss():
    (found,) = check.run(run())
    assert (found.locus.kind, found.locus.source) == ("loss", source(30))
    assert found.message == (
        "MSELoss adds up the losses of 64 examples instead of averaging them, so that each step is 64 times as long: within 10 "
        "steps the weights travelled 2 times their own size, and the loss is not finite."
    )
    assert (found.remedies[0].before, found.remedies[0].after) == ('reduction="sum"', 'reduction="mean"')


def test_in_keras_the_remedy_is_its_argument():
    (found,) = check.run(run(framework="keras"))
    assert found.remedies[0].after == 'reduction="sum_over_batch_size"'


@pytest.mark.parametrize(
    ("length", "size", "count"),
    [
        (0.09, 64, 0),  # ten such steps are shorter than the weights
        (0.12, 64, 1),
        (0.6, 64, 1),
        (0.7, 64, 0),  # an average would be too long as well
        (0.2, 16, 0),
        (0.2, 24, 1),
        (0.005, 1, 0),
    ],
)
def test_the_sum_must_be_what_makes_the_steps_too_long(length, size, count):
    assert len(check.run(run(length=length, size=size))) == count


@pytest.mark.parametrize(("steps", "count"), [(5, 0), (12, 1)])
def test_the_path_of_ten_steps_is_what_counts(steps, count):
    updates = np.where(np.arange(200) < steps, 0.11, 0.0)[:, None]
    trace = run()
    columns = {**trace.columns, check.needs[-1]: np.broadcast_to(updates, (200, 3))}
    assert len(check.run(dataclasses.replace(trace, columns=columns))) == count


@pytest.mark.parametrize(
    "facts",
    [
        {"loss": dataclasses.replace(SUM, reduction="mean")},
        {"loss": dataclasses.replace(SUM, reduction="none")},
        {"loss": dataclasses.replace(SUM, factor=1 / 64)},  # divided again
        {"loss": dataclasses.replace(SUM, kind="other")},
        {"optimizer": "adam"},
        {"settings": {"clipnorm": 1.0}},
        {"lost": LOST & False, "curve": np.geomspace(100, 1, 200)},  # it learns
        {"lost": LOST & False, "curve": np.full(50, 100.0), "steps": 50},  # too early to say
        {"lost": LOST & False, "curve": 100.0, "other_steps": np.arange(200) % 2},
    ],
)
def test_other_losses_and_runs_without_harm_are_left_alone(facts):
    assert check.run(run(**facts)) == ()


@pytest.mark.parametrize(("curve", "steps"), [(np.full(200, 100.0), 200), (np.geomspace(100, 1000, 50), 50)])
def test_a_loss_that_grows_or_stays_where_it_was_is_harm(curve, steps):
    assert len(check.run(run(lost=LOST & False, curve=curve, steps=steps))) == 1


@pytest.mark.parametrize(("start", "count"), [(math.log(10) * 64, 1), (math.log(10), 0)])
def test_a_sum_over_classes_that_begins_as_an_average_does_was_divided_somewhere(start, count):
    loss = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index", reduction="sum", source=source(30))
    trace = run(loss, curve=np.full(200, start), lost=LOST & False)
    (objective,) = trace.run.objectives
    objective = dataclasses.replace(objective, head=Head(2, units=10, shape=(10,)))
    assert (
        len(check.run(dataclasses.replace(trace, run=dataclasses.replace(trace.run, objectives=(objective,))))) == count
    )


def test_without_recorded_sizes_the_programs_own_tells():
    for size, count in ((64, 1), (None, 0)):
        trace = run(size=np.nan)
        made = dataclasses.replace(trace.run, batch_size=size)
        assert len(check.run(dataclasses.replace(trace, run=made))) == count
