import math

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loss.loss_no_better_than_constant import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Loss, TargetCard

TEN_CLASSES = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)
RANDOM = np.random.default_rng(0)


def run(loss=2.31, *, steps=300, update=0.005, data=TEN_CLASSES, scalars=None, **facts):
    given = {"loss": loss + RANDOM.normal(0, 0.01, steps)} | (scalars or {})
    return make_trace(
        steps=steps, scalars=given, columns={"weight.rms": 1.0, "weight_update.rms": update}, data=data, **facts
    )


def test_a_loss_that_stays_at_the_constant_answer_is_noticed():
    (finding,) = check.run(run())
    assert "2.303 of always answering the same" in finding.message


def test_a_loss_below_it_is_not():
    assert check.run(run(np.geomspace(2.3, 0.5, 300))) == ()


@pytest.mark.parametrize("steps", [20, 60, 99])
def test_too_few_steps_say_nothing(steps):
    assert check.run(run(steps=steps, update=0.1)) == ()


def test_weights_that_went_nowhere_yet_are_given_more_steps():
    assert check.run(run(steps=900, update=1e-4)) == ()
    assert len(check.run(run(steps=1000, update=1e-4))) == 1


def telling(told, share=1.0, ended="completed", steps=200):
    """A run that answers at random, of inputs that say which class it is for a share of the rows."""
    return told(run(steps=steps, update=1e-4, run=make_run(ended=ended)), says=share)


def test_but_not_where_neighbors_answer_well_and_the_run_is_over(told):
    assert len(check.run(telling(told))) == 1
    assert check.run(telling(told, ended="running")) == ()
    assert check.run(telling(told, steps=90)) == ()


@pytest.mark.parametrize(("share", "count"), [(0.2, 0), (0.5, 1)])
def test_the_inputs_must_say_more_than_the_network_answers(told, share, count):
    assert len(check.run(telling(told, share))) == count


def test_a_loss_that_still_falls_is_given_more_steps():
    assert check.run(run(np.linspace(8, 3, 300))) == ()


def test_an_accuracy_above_the_majority_guess_is_learning():
    assert check.run(run(scalars={"accuracy": RANDOM.binomial(32, 0.4, 300) / 32})) == ()


def test_a_loss_that_is_not_finite_is_another_fault():
    assert check.run(run(np.nan, scalars={"loss.nonfinite": 1.0})) != ()
    late = np.arange(300) > 200
    assert check.run(run(np.where(late, np.nan, 2.3), scalars={"loss.nonfinite": late})) == ()


def test_without_a_baseline_nothing_is_said():
    assert isinstance(check.run(run(data=DataCard())), NotEvaluated)


def test_steps_far_from_the_usual_length_point_to_the_learning_rate():
    (finding,) = check.run(run(update=0.1))
    assert (finding.locus.kind, finding.locus.source) == ("learning-rate", source(31))


def test_usual_steps_that_went_far_and_led_nowhere_point_to_the_data():
    (finding,) = check.run(run(steps=4000, update=0.004))
    assert (finding.locus.kind, finding.locus.source) == ("data", source(40))


def test_answers_far_from_all_targets_point_to_their_scale():
    prices = TargetCard("float32", (), 300, "continuous", 5e4, 5e5, 1.8e5, 4e4, 0)
    data = DataCard(targets=(prices,), baseline_loss=1.6e9)
    regression = make_run(loss=Loss("mean-squared-error", "MSELoss", "values", "elementwise"))
    (finding,) = check.run(run(3e10, update=0.005, data=data, run=regression, scalars={"prediction.mean": 30.0}))
    assert finding.locus.kind == "target-scaling"


def test_a_loss_that_climbs_within_the_first_steps_is_another_fault():
    assert check.run(run(np.geomspace(2.3, 20, 60), steps=60, update=0.1)) == ()


def test_weights_that_travelled_less_than_their_own_size_are_given_more_steps():
    assert check.run(run(steps=900, update=5e-4)) == ()


def test_usual_steps_that_did_not_go_far_yet_do_not_point_to_the_data():
    assert check.run(run(steps=1000, update=9e-4))[0].locus.kind == "learning-rate"
