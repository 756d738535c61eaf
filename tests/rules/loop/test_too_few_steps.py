import math

import numpy as np
import pytest

from deeplocalize.rules.loop.too_few_steps import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard

COIN = DataCard(baseline_loss=math.log(2), baseline_accuracy=0.5)


def run(update=1e-3, loss=0.7, *, steps=35, ended="completed", epochs=5, data=COIN):
    facts = make_run(ended=ended, epochs=epochs, sources={"epochs": source(44), "fit": source(40)})
    columns = {"weight.rms": 1.0, "weight_update.rms": update}
    return make_trace(steps=steps, scalars={"loss": loss}, columns=columns, data=data, run=facts)


def test_a_run_that_ends_when_it_has_begun_is_named_with_the_epochs_line():
    (found,) = check.run(run())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("epochs", None, source(44))
    assert found.evidence[0].observed == pytest.approx(0.035)
    assert (found.remedies[0].before, found.remedies[0].after) == ("5 epochs", "150 epochs")


def test_without_epochs_the_steps_are_counted():
    assert check.run(run(epochs=None))[0].remedies[0].after == "1,050 steps"


@pytest.mark.parametrize(
    "facts",
    [
        {"loss": 0.3},  # it learned
        {"loss": np.linspace(0.75, 0.67, 35)},  # it is on its way
        {"loss": 3.0},  # worse than any start
        {"steps": 19},  # somebody tried whether it runs
        {"ended": "interrupted"},
        {"ended": "raised"},
        {"update": 1e-5},  # the learning rate is too low
        {"update": 5e-3},  # the weights went somewhere
        {"data": DataCard()},
        {"steps": 1000, "update": 1e-4},  # had its time, and does not learn: another fault
    ],
)
def test_any_other_run_is_left_alone(facts):
    assert not isinstance(check.run(run(**facts)), tuple) or check.run(run(**facts)) == ()


@pytest.mark.parametrize(("loss", "findings"), [(0.75, 1), (1.0, 0)])
def test_a_loss_a_little_worse_than_a_constant_answers_is_that_of_a_beginning(loss, findings):
    assert len(check.run(run(loss=loss))) == findings
