import dataclasses

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.generalization.evaluation_in_training_mode import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import Evaluation

LINE = source(33)
LAYERS = [make_layer(0), make_layer(1, "dropout"), make_layer(2, "batch-norm"), make_layer(3)]


def shown(step, **facts):
    usual = {"passes": 4, "examples": 200, "layers": (1, 2), "repeated": 0.0, "trained": 0.0, "source": LINE}
    return Evaluation(step, **(usual | facts))


def every_epoch(**facts):
    """Three epochs of 100 steps, each with an evaluation after it."""
    return [shown(100, **facts), *(shown(step, **({"again": True} | facts)) for step in (200, 300))]


def once(**facts):
    """A test after the last step."""
    return [shown(300, **facts)]


def run(evaluations, ended="completed", layers=LAYERS, **scalars):
    return make_trace(
        steps=300, layers=layers, run=make_run(evaluations=tuple(evaluations), ended=ended), scalars=scalars
    )


@pytest.mark.parametrize(("evaluations", "step"), [(every_epoch(), 100), (once(), 300)])
def test_an_evaluation_in_training_mode_is_named_with_its_line(evaluations, step):
    (found,) = check.run(run(evaluations))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("training-loop", None, LINE)
    assert found.first_step == step
    assert f"first after {step} steps: for 200 examples" in found.message
    assert "layer 1 (layer1, Dropout) drops units, and so on in 1 more" in found.message
    assert found.remedies[0].after == "model.eval()"


def test_batch_normalization_alone_is_told_in_other_words():
    (found,) = check.run(run(once(layers=(2,))))
    assert "layer 2 (layer2, Batch-Norm) goes by the batch and learns from it, so" in found.message


def test_between_the_steps_it_need_not_have_come_to_its_end():
    assert len(check.run(run(every_epoch(), ended="interrupted"))) == 1
    assert check.run(run(once(), ended="interrupted")) == ()


def test_a_test_in_evaluation_mode_at_the_end_does_not_excuse_the_validation():
    test = Evaluation(300, passes=0, proper=4)
    (found,) = check.run(run([*every_epoch()[:2], shown(250, again=True), test]))
    assert found.first_step == 100


@pytest.mark.parametrize(
    "evaluations",
    [
        [*every_epoch()[:2], Evaluation(300, passes=0, proper=4)],  # once again only, then a test in evaluation mode
        [shown(100), Evaluation(150, passes=0, proper=4), *every_epoch()[1:2], Evaluation(300, passes=0, proper=4)],
        [*every_epoch(proper=2)],  # averages collected anew, then an evaluation
        [shown(100), shown(200), shown(250)],  # other data each time: nobody knows what for
        [*once(), Evaluation(300, passes=0, proper=4)],
        [Evaluation(100, passes=0, proper=4), Evaluation(300, passes=0, proper=4)],
        [shown(0)],
    ],
)
def test_where_there_is_evaluation_mode_or_no_evaluation_nothing_is_said(evaluations):
    assert check.run(run(evaluations)) == ()


@pytest.mark.parametrize("when", [every_epoch, once])
@pytest.mark.parametrize(
    ("quiet", "said"),
    [
        ({"trained": 0.06}, {"trained": 0.04}),  # rollouts, pseudo-labels; doubles in the data
        ({"trained": 0.3}, {"trained": 0.01}),
        ({"trained": None}, {"trained": 0.0}),
        ({"repeated": 0.55}, {"repeated": 0.45}),  # Monte Carlo dropout
        ({"repeated": 0.95}, {"repeated": 0.06}),
        ({"repeated": None}, {"repeated": 0.0}),
        ({"examples": 19}, {"examples": 20}),  # a few examples, to look at
        ({"examples": 3, "passes": 1}, {"examples": 21}),
    ],
)
def test_each_limit_and_guard_on_both_sides(when, quiet, said):
    assert check.run(run(when(**quiet))) == ()
    assert len(check.run(run(when(**said)))) == 1


@pytest.mark.parametrize(("passes", "count"), [(100, 1), (101, 0)])
def test_a_policy_is_asked_for_one_row_at_a_time_between_the_steps(passes, count):
    assert len(check.run(run(every_epoch(passes=passes)))) == count


def test_but_a_test_after_the_last_step_may_go_row_by_row():
    assert len(check.run(run(once(passes=200)))) == 1


def untold(evaluations):
    """A program whose dropout is a function call that is not told the mode, evaluated in evaluation mode."""
    trace = run(evaluations, layers=[make_layer(at) for at in range(4)])
    return dataclasses.replace(trace, run=dataclasses.replace(trace.run, sources={"dropout": source(18)}))


QUIET = {"passes": 0, "proper": 4, "layers": ()}


@pytest.mark.parametrize("evaluations", [once(**QUIET), every_epoch(**QUIET)])
def test_dropout_that_is_not_told_the_mode_is_named_where_it_is_called(evaluations):
    (found,) = check.run(untold(evaluations))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("dropout", None, source(18))
    assert found.remedies[0].after == "F.dropout(x, training=self.training)"


@pytest.mark.parametrize("facts", [{"repeated": 0.95}, {"trained": 0.5}, {"examples": 19}, {"passes": 2}])
def test_monte_carlo_dropout_and_other_passes_are_left_alone_there_too(facts):
    assert check.run(untold(once(**(QUIET | facts)))) == ()


def test_two_that_are_trained_in_turns_are_left_alone():
    assert check.run(run(every_epoch(), other_steps=np.ones(300))) == ()


def test_a_layer_of_another_kind_is_none_that_has_a_mode():
    assert check.run(run(once(), layers=[make_layer(at) for at in range(4)])) == ()


def test_where_no_pass_without_gradients_was_seen_nothing_is_judged():
    assert isinstance(check.run(run(())), NotEvaluated)


def test_the_line_of_the_forward_pass_will_do():
    trace = run(once(source=None))
    trace = dataclasses.replace(trace, run=dataclasses.replace(trace.run, sources={"forward": source(7)}))
    assert check.run(trace)[0].locus.source == source(7)
