import numpy as np
import pytest

from deeplocalize.findings import Finding
from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.generalization.no_generalization import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Loss

STEPS = 400
EPOCHS = 40
SQUARES = Loss("mean-squared-error", "MSELoss", "values", "elementwise")
CHANCE = np.tile([0.24, 0.25, 0.26, 0.24], EPOCHS // 4)
RISING = np.linspace(1.02, 2.0, EPOCHS)


def by_epoch(values):
    """One value for each epoch, recorded with its last step."""
    found = np.full(STEPS, np.nan)
    count = len(values)
    found[STEPS // count - 1 :: STEPS // count][:count] = values
    return found


def run(validation=RISING, accuracy=CHANCE, *, end=0.1, what=None, baseline=1.0, **scalars):
    """Four classes of the same size, of which the loss falls from 1 to `end` on the training data."""
    known = {} if accuracy is None else {"validation.accuracy": by_epoch(accuracy)}
    return make_trace(
        steps=STEPS,
        run=make_run(loss=what, sources={"forward": source(40), "step": source(44)}),
        data=DataCard(baseline_loss=baseline, baseline_accuracy=0.25),
        scalars={"loss": np.geomspace(1.0, end, STEPS), "validation.loss": by_epoch(validation), **known, **scalars},
    )


def test_learning_by_heart_alone_is_told_with_the_loss_on_both_and_the_accuracy():
    (found,) = check.run(run())
    assert isinstance(found, Finding)
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("data", None, source(40))
    assert "says nothing about other data" in found.message
    assert found.evidence[2].observed == pytest.approx(0.245)
    assert "belong together" in found.remedies[0].text


@pytest.mark.parametrize(("end", "count"), [(0.3, 1), (0.92, 1), (0.97, 0)])
def test_something_must_have_been_learned_of_the_training_data(end, count):
    assert len(check.run(run(end=end))) == count


@pytest.mark.parametrize(("validation", "count"), [(np.linspace(1.0, 1.06, EPOCHS), 1), (np.full(EPOCHS, 1.01), 0)])
def test_it_must_be_worse_than_a_constant_on_other_data(validation, count):
    assert len(check.run(run(validation))) == count


def test_a_network_that_overfits_was_better_for_a_while():
    assert check.run(run(np.interp(np.arange(EPOCHS), [0, 5, 39], [1.0, 0.97, 3.0]))) == ()


def test_one_lucky_evaluation_is_not_better():
    assert len(check.run(run(np.where(np.arange(EPOCHS) == 3, 0.8, RISING)))) == 1


def test_a_loss_that_comes_down_on_other_data_is_on_its_way():
    assert check.run(run(np.linspace(5.0, 1.5, EPOCHS))) == ()


@pytest.mark.parametrize(("values", "count"), [(4, 0), (5, 0), (8, 1), (10, 1)])
def test_a_few_evaluations_are_not_enough(values, count):
    assert len(check.run(run(np.linspace(1.02, 2.0, values), CHANCE[:values]))) == count


@pytest.mark.parametrize(("accuracy", "count"), [(0.31, 1), (0.34, 0), (0.9, 0)])
@pytest.mark.parametrize("when", [np.arange(EPOCHS) > 30, np.arange(EPOCHS) < 30])
def test_the_answers_must_be_no_better_than_the_most_frequent_class(accuracy, count, when):
    """In the end, and mostly."""
    assert len(check.run(run(accuracy=np.where(when, accuracy, CHANCE)))) == count


def test_a_blind_guess_may_be_lucky_at_first():
    assert len(check.run(run(accuracy=np.where(np.arange(EPOCHS) < 8, 0.4, CHANCE)))) == 1


def test_of_a_few_examples_more_may_be_right_by_luck():
    """With 20 examples the accuracy moves by 0.05."""
    assert len(check.run(run(accuracy=np.where(np.arange(EPOCHS) > 8, 0.4, CHANCE.round(1))))) == 1
    assert len(check.run(run(accuracy=np.where(np.arange(EPOCHS) % 2, 0.4, 0.35)))) == 1


def test_without_an_accuracy_classes_are_not_judged_and_quantities_are():
    assert check.run(run(accuracy=None)) == ()
    (found,) = check.run(run(accuracy=None, what=SQUARES))
    assert len(found.evidence) == 2


def test_a_ranking_that_is_better_than_guessing_speaks_against_it():
    assert check.run(run(**{"validation.auc": by_epoch(np.full(EPOCHS, 0.7))})) == ()


def test_adversaries_are_not_judged():
    assert check.run(run(other_steps=1.0)) == ()


def test_without_a_constant_to_compare_with_nothing_is_said():
    assert isinstance(check.run(run(baseline=None)), NotEvaluated)
