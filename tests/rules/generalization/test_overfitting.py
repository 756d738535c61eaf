import numpy as np
import pytest

from deeplocalize.findings import Finding
from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.generalization.overfitting import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, Loss

STEPS = 400
EPOCHS = 40
EVERY = STEPS // EPOCHS
SQUARES = Loss("mean-squared-error", "MSELoss", "values", "elementwise")
LOOP = source(44)


def by_epoch(values):
    """One value for each epoch, recorded with its last step."""
    found = np.full(STEPS, np.nan)
    found[EVERY - 1 :: EVERY] = values
    return found


def curve(best=0.4, end=0.9, at=10, start=1.0):
    """Falls to `best` in epoch `at`, rises to `end` by epoch 28 and stays there."""
    return np.interp(np.arange(EPOCHS), [0, at - 1, at, at + 1, max(28, at + 2)], [start, best, best, best, end])


def training(end=0.02, at=10, then=0.4):
    epochs = np.arange(STEPS) / EVERY
    return np.interp(epochs, [0, at, EPOCHS], [1.0, then, end])


def run(validation=None, loss=None, *, what=SQUARES, baseline=1.0, ended="completed", keeps=False, **scalars):
    facts = {"ended": ended, "keeps_weights": keeps, "sources": {"epochs": LOOP, "fit": source(40)}}
    return make_trace(
        steps=STEPS,
        run=make_run(loss=what, **({"framework": "torch"} | facts)),
        data=DataCard(baseline_loss=baseline),
        scalars={
            "loss": training() if loss is None else loss,
            "validation.loss": by_epoch(curve() if validation is None else validation),
            **{name.replace("__", "."): by_epoch(values) for name, values in scalars.items()},
        },
    )


def classes(accuracy, **more):
    return run(what=None, validation__accuracy=accuracy, **more)


FALLING = np.interp(np.arange(EPOCHS), [0, 9, 11, 28], [0.5, 0.80, 0.80, 0.60])


def test_a_validation_loss_that_rises_while_the_training_loss_falls_is_named_with_the_line_of_the_loop():
    (found,) = check.run(run())
    assert isinstance(found, Finding)
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("epochs", None, LOOP)
    assert found.message.startswith(
        "The loss on data it is not trained on was 0.4 after 99 steps and is 0.9 in the end, while that on the training data"
    )
    assert found.evidence[0].observed == pytest.approx(0.9 / 0.4)
    assert found.first_step == 99
    assert "after about 99 steps" in found.remedies[0].text


def test_in_keras_the_epoch_is_told():
    trace = run()
    epochs = np.arange(STEPS) // EVERY
    keras = make_run(SQUARES, framework="keras", epochs=40, keeps_weights=False)
    trace = make_trace(
        steps=STEPS, run=keras, data=trace.data, scalars={**trace.scalars, "epoch": epochs.astype(float)}
    )
    (found,) = check.run(trace)
    assert "was 0.4 after epoch 10 and" in found.message
    assert (found.remedies[0].before, found.remedies[0].after) == ("epochs=40", "epochs=10")
    assert found.remedies[0].intervention.value == 10


@pytest.mark.parametrize(
    ("quiet", "said"),
    [
        ({"end": 0.4 * 1.4}, {"end": 0.4 * 1.6}),  # `rise`
        ({"end": 0.4}, {"end": 0.4 * 10}),
        ({"best": 0.96, "end": 3.0}, {"best": 0.94, "end": 3.0}),  # nothing was learned before
        ({"best": 0.001, "end": 0.045}, {"best": 0.001, "end": 0.06}),  # `lost`
        ({"best": 0.0001, "end": 0.01}, {"best": 0.1, "end": 0.4}),
        ({"at": 34}, {"at": 20}),  # it may still come down again
        ({"best": -0.1}, {"best": 0.1}),  # a factor says nothing of a likelihood below zero
    ],
)
def test_each_limit_of_the_validation_loss_on_both_sides(quiet, said):
    assert check.run(run(curve(**quiet))) == ()
    assert len(check.run(run(curve(**said)))) == 1


@pytest.mark.parametrize(
    ("quiet", "said"),
    [
        (training(end=0.35), training(end=0.25)),  # `fall`: the last fifth is compared
        (np.where(np.arange(STEPS) < 120, 0.4, 0.2 + np.sin(np.arange(STEPS)) / 5), training()),  # up and down
        (training(end=0.38), training(end=0.001)),
    ],
)
def test_the_training_loss_has_to_fall_on(quiet, said):
    assert check.run(run(loss=quiet)) == ()
    assert len(check.run(run(loss=said))) == 1


@pytest.mark.parametrize(("height", "count"), [(0.55, 0), (0.42, 1)])
def test_where_the_training_loss_jumped_in_between_the_task_may_have_changed(height, count):
    loss = np.where((np.arange(STEPS) >= 150) & (np.arange(STEPS) < 220), height, training())
    assert len(check.run(run(loss=loss))) == count


def test_one_lucky_evaluation_is_no_better_state():
    lucky = np.full(EPOCHS, 0.62)
    lucky[10] = 0.3
    assert check.run(run(lucky)) == ()


@pytest.mark.parametrize(("count", "found"), [(9, 0), (10, 1)])
def test_few_evaluations_say_nothing(count, found):
    values = np.full(STEPS, np.nan)
    places = np.linspace(30, STEPS - 1, count).astype(int)
    values[places] = np.interp(np.arange(count), [0, 2, 4, count - 1], [0.9, 0.4, 0.4, 1.5])
    trace = run()
    trace = make_trace(
        steps=STEPS, run=trace.run, data=trace.data, scalars={**trace.scalars, "validation.loss": values}
    )
    assert len(check.run(trace)) == found


def test_where_the_answers_to_classes_get_worse_too_it_is_said():
    assert len(check.run(classes(FALLING))) == 1


@pytest.mark.parametrize(
    "accuracy",
    [
        np.linspace(0.5, 0.9, EPOCHS),  # still getting better
        np.interp(np.arange(EPOCHS), [0, 10, 28], [0.5, 0.8, 0.8]),
        np.interp(np.arange(EPOCHS), [0, 9, 11, 28], [0.5, 0.8, 0.8, 0.77]),  # `errors`: 1.15 times as many
        np.interp(np.arange(EPOCHS), [0, 9, 11, 28], [0.5, 0.4, 0.4, 0.31]),
        (FALLING * 10).round() / 10,  # of ten examples, two
    ],
)
def test_where_the_answers_are_not_worse_for_sure_nothing_is_said(accuracy):
    assert check.run(classes(accuracy)) == ()


def test_enough_wrong_answers_more_are_told():
    accuracy = np.interp(np.arange(EPOCHS), [0, 9, 11, 28], [0.5, 0.8, 0.8, 0.75])
    fine = accuracy + np.tile([0.0, 0.0002], EPOCHS // 2)  # a set of thousands
    assert len(check.run(classes(fine))) == 1


def test_without_an_accuracy_nothing_is_said_of_classes():
    assert check.run(run(what=None)) == ()
    assert check.run(run(what=None, validation__mae=curve())) == ()


def test_any_metric_that_still_gets_better_is_heard():
    assert check.run(classes(FALLING, validation__auc=np.linspace(0.5, 0.9, EPOCHS))) == ()
    assert check.run(run(validation__mae=np.linspace(0.9, 0.4, EPOCHS))) == ()
    assert len(check.run(run(validation__mae=curve(end=0.6), validation__words=np.zeros(EPOCHS)))) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"keeps": True},
        {"keeps": None},
        {"ended": "interrupted"},
        {"ended": "running"},
        {"other_steps": np.ones(EPOCHS)},
    ],
)
def test_where_better_weights_may_have_been_kept_nothing_is_said(facts):
    other = np.ones(STEPS) if facts.pop("other_steps", None) is not None else np.zeros(STEPS)
    trace = run(**facts)
    trace = make_trace(steps=STEPS, run=trace.run, data=trace.data, scalars={**trace.scalars, "other_steps": other})
    assert check.run(trace) == ()


def test_without_a_baseline_the_start_is_the_measure():
    assert len(check.run(run(baseline=None))) == 1
    assert check.run(run(curve(start=0.41), baseline=None)) == ()


def test_a_network_that_does_not_learn_has_another_fault():
    assert check.run(run(loss=training() + 2, baseline=1.0)) == ()


def test_dropout_left_off_is_the_cause_where_it_is_seen():
    from deeplocalize.diagnosis import diagnose

    trace = run()
    layers = [make_layer(0), make_layer(1, "dropout"), make_layer(2)]
    trace = make_trace(
        layers=layers,
        steps=STEPS,
        run=trace.run,
        data=trace.data,
        scalars=trace.scalars,
        columns={"layer.training": 0.0},
    )
    (cause,) = diagnose(trace).causes
    assert cause.finding.rule == "evaluation-mode-left-on"
    assert [each.rule for each in cause.explains] == ["overfitting"]


def test_without_validation_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
