import numpy as np
import pytest

from deeplocalize.trace import Optimizer

LABELS = np.arange(60) % 2
ROWS = np.eye(3)[np.arange(60) % 3]
WRONG = np.where(np.arange(60) < 12, 1 - LABELS, LABELS).reshape(60, 1)


def test_sure_and_wrong_answers_that_stay_so_are_laid_to_the_loss(asked, rule):
    (found,) = rule("squared-error-on-classes").run(asked("squared error", "sigmoid", LABELS, answers=WRONG))
    assert (found.locus.kind, found.locus.source.line) == ("loss", 30)
    assert found.evidence[0].observed == pytest.approx(0.2)
    assert found.remedies[0].after == "BCEWithLogitsLoss on the raw outputs"


def test_several_classes_need_the_categorical_loss(asked, rule):
    (found,) = rule("squared-error-on-classes").run(
        asked("squared error", "softmax", ROWS, 3, answers=np.roll(ROWS, 1, axis=1))
    )
    assert found.remedies[0].after == "CrossEntropyLoss on the raw outputs"


def test_an_absolute_error_that_ends_in_one_answer_for_all_is_found(asked, rule):
    flat = asked("absolute error", "sigmoid", LABELS, answers=np.full((60, 1), 0.4), **{"prediction.spread": 0.01})
    assert len(rule("squared-error-on-classes").run(flat)) == 1


def test_a_squared_error_that_ends_in_one_answer_for_all_is_left_to_other_rules(asked, rule):
    flat = asked("squared error", "sigmoid", LABELS, answers=np.full((60, 1), 0.4), **{"prediction.spread": 0.01})
    assert rule("squared-error-on-classes").run(flat) == ()


def test_a_network_that_learns_is_left_alone(asked, rule):
    trace = asked("squared error", "sigmoid", LABELS, answers=WRONG, learns=True)
    assert rule("squared-error-on-classes").run(trace) == ()


@pytest.mark.parametrize("loss", ["squared error", "absolute error"])
def test_a_network_that_is_merely_unsure_is_left_alone(asked, rule, loss):
    unsure = np.random.default_rng(0).uniform(0.2, 0.8, (60, 1))
    trace = asked(loss, "sigmoid", LABELS, answers=unsure, **{"prediction.spread": 0.2})
    assert rule("squared-error-on-classes").run(trace) == ()


def test_a_linear_output_is_left_alone(asked, rule):
    assert rule("squared-error-on-classes").run(asked("squared error", "linear", LABELS, answers=WRONG)) == ()


@pytest.mark.parametrize(
    ("highest", "learns", "accused"), [(4000.0, False, 1), (30.0, False, 1), (4000.0, True, 0), (3.0, False, 0)]
)
def test_unbounded_answers_to_one_hot_labels_are_found_only_if_they_went_astray(asked, rule, highest, learns, accused):
    seen = {"prediction.min": -2.0, "prediction.max": highest}
    trace = asked("squared error", "linear", ROWS, 3, answers=ROWS, learns=learns, **seen)
    found = rule("squared-error-on-classes").run(trace)
    assert len(found) == accused
    if found:
        assert found[0].evidence[0].observed == highest - 1
        assert found[0].remedies[0].after == "CrossEntropyLoss on the raw outputs"


def test_a_binary_image_is_no_class(asked, rule):
    image = np.random.default_rng(0).integers(0, 2, (60, 4, 4, 1))
    trace = asked("squared error", "sigmoid", image, answers=1 - image, shape=(4, 4, 1))
    assert rule("squared-error-on-classes").run(trace) == ()


def test_a_short_run_is_not_judged(asked, rule):
    trace = asked("squared error", "sigmoid", LABELS, answers=WRONG, steps=30)
    assert "cannot be told yet" in rule("squared-error-on-classes").run(trace).why


@pytest.mark.parametrize(("optimizer", "accused"), [("sgd", 1), ("adam", 0)])
def test_a_loss_that_hardly_moves_is_laid_to_the_gradient_that_the_squares_leave(asked, rule, optimizer, accused):
    classes = np.eye(10)[np.arange(60) % 10]
    run = {"optimizers": (Optimizer(optimizer, optimizer.upper(), {"learning_rate": 0.01}),)}
    found = rule("squared-error-on-classes").run(
        asked("squared error", "softmax", classes, 10, answers=np.full((60, 10), 0.1), run=run)
    )
    assert len(found) == accused
    if found:  # p = 1/10 everywhere: 2/10 * p * d, and sum(p d) = 0
        assert found[0].evidence[0].observed == pytest.approx(0.02)


def test_two_classes_keep_enough_of_the_gradient(asked, rule):
    even = asked("squared error", "sigmoid", LABELS, answers=np.full((60, 1), 0.5))
    assert rule("squared-error-on-classes").run(even) == ()


def test_a_few_answers_that_are_wrong_and_sure_are_left_alone(asked, rule):
    answers = np.random.default_rng(0).uniform(0.2, 0.8, (60, 1))
    answers[:3, 0] = 1 - LABELS[:3]
    assert rule("squared-error-on-classes").run(asked("squared error", "sigmoid", LABELS, answers=answers)) == ()
