import dataclasses
import math

import numpy as np
import pytest

from deeplocalize.rules.loss.loss_maximized import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Head, Loss, Objective, Optimizer, Sample
from deeplocalize.trace.data import target_card
from deeplocalize.trace.schema import Source

TEN_CLASSES = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)
GROWS = -np.geomspace(2.3, 1e3, 60)
TURNED = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index", factor=-1.0, source=source(30))
OWN = Loss("other", "<lambda>", source=source(35))


def run(
    curve=GROWS, loss=TURNED, data=TEN_CLASSES, *, optimizer=None, scalars=None, sources=None, optimized=1.0, **facts
):
    made = make_run(loss, optimizer=optimizer, sources=sources or {"loss": source(41), "backward": source(42)})
    columns = {"layer.optimized": optimized}
    scalars = {"loss": curve, **(scalars or {})}
    return make_trace(steps=len(curve), scalars=scalars, columns=columns, run=made, data=data, **facts)


def own(answers, targets, loss, steps=50):
    """A run with a loss of the user's own; `answers` [steps, rows, ...] grow more and more unlike `targets` [rows, ...]."""
    rows = len(targets)
    sample = Sample(
        np.repeat(np.arange(steps), rows),
        np.zeros((steps * rows, 1)),
        np.concatenate([targets] * steps).astype(float),
        np.concatenate(list(answers)),
    )
    return run(loss, OWN, DataCard(), sample=sample)


RANDOM = np.random.default_rng(0)
QUANTITIES = RANDOM.normal(size=(8, 1))
FARTHER = np.geomspace(1, 30, 50)[:, None, None] * -QUANTITIES
SQUARED = np.square(FARTHER - QUANTITIES).mean(axis=(1, 2))


def test_minus_a_known_loss_is_named_with_the_line_that_computes_it():
    (found,) = check.run(run())
    assert (found.locus.kind, found.locus.source) == ("loss", source(41))
    assert (
        found.message == "Minus the cross-entropy is minimized, so the cross-entropy itself grows: from 2.549 to 630."
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("(-loss).backward()", 42),
        ("(-criterion(model(x), y)).backward()", 42),
        ("torch.neg(loss).backward()", 42),
        ("torch.autograd.backward(-loss)", 42),
        ("loss.backward()", 41),
        ("(a - b).backward()", 41),
    ],
)
def test_a_minus_in_the_call_of_backward_is_where_it_stands(text, line):
    sources = {"loss": source(41), "backward": Source("train.py", 42, text)}
    (found,) = check.run(run(sources=sources))
    assert found.locus.source == source(line)


def test_a_loss_of_the_users_own_that_is_minus_the_squared_error_is_recognized_by_its_numbers():
    (found,) = check.run(own(FARTHER, QUANTITIES, -SQUARED))
    assert found.message.startswith("Minus the mean squared error is minimized")


@pytest.mark.parametrize(("factor", "count"), [(1.2, 1), (0.8, 1), (1.3, 0), (0.7, 0), (1.25 * 10, 0), (0.025, 0)])
def test_the_number_must_be_near_minus_the_known_loss(factor, count):
    assert len(check.run(own(FARTHER, QUANTITIES, -SQUARED * factor))) == count


def test_a_loss_that_is_no_function_of_the_error_is_not_taken_for_it():
    assert check.run(own(FARTHER, QUANTITIES, -np.exp(RANDOM.normal(0, 1.5, 50)) * SQUARED)) == ()


@pytest.mark.parametrize("targets", ["rows", "numbers"])
@pytest.mark.parametrize("takes", ["logits", "probabilities"])
def test_minus_the_cross_entropy_is_recognized_too(targets, takes):
    labels = np.arange(9) % 3
    rows = np.eye(3)[labels]
    logits = np.linspace(0.1, 8, 50)[:, None, None] * -rows
    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    loss = np.log((shares * rows).sum(axis=-1)).mean(axis=-1)
    given = rows if targets == "rows" else labels
    (found,) = check.run(own(logits if takes == "logits" else shares, given, loss))
    assert "Minus the cross-entropy" in found.message


def test_minus_the_binary_cross_entropy_is_recognized_too():
    labels = (np.arange(8) % 2).astype(float)[:, None]
    logits = np.linspace(0.1, 8, 50)[:, None, None] * (1 - 2 * labels)
    loss = (labels * logits - np.logaddexp(0, logits)).mean(axis=(1, 2))
    (found,) = check.run(own(logits, labels, loss))
    assert "Minus the binary cross-entropy" in found.message


def test_a_loss_that_became_nan_is_worse_than_at_the_start():
    curve = np.where(np.arange(60) < 40, GROWS, np.nan)
    (found,) = check.run(run(curve, scalars={"loss.nonfinite": np.arange(60) >= 40}))
    assert found.message.endswith("from 2.549 to infinity.")


@pytest.mark.parametrize(
    "facts",
    [
        {"loss": dataclasses.replace(TURNED, factor=1.0), "curve": -GROWS},
        {"loss": OWN},  # a density's likelihood, a critic
        {"curve": np.where(np.arange(60) % 5, GROWS, -GROWS)},  # a reward with both signs
        {"curve": np.full(60, -2.3)},  # it does not grow
        {"curve": -np.geomspace(0.5, 2.0, 60)},  # it does not get worse than a constant answer
        {"curve": -np.geomspace(0.05, 100, 60)},  # a network that knew, and is to forget
        {"curve": -np.geomspace(1.0, 100, 60)},
        {"scalars": {"other_steps": np.arange(60) % 2}},  # a generator against a discriminator
        {"optimized": np.array([1.0, 1.0, 0.0])},  # an attack on a network that is not trained
        {"optimizer": Optimizer("adam", "Adam", {"maximize": True})},
    ],
)
def test_what_is_maximized_on_purpose_is_left_alone(facts):
    assert check.run(run(**facts)) == ()


def test_a_network_that_begins_a_little_better_than_a_constant_answer_did_not_know_its_task():
    assert len(check.run(run(-np.geomspace(1.3, 100, 60)))) == 1


@pytest.mark.parametrize(("accuracy", "count"), [(0.1, 1), (0.5, 1), (0.6, 0)])
def test_where_no_loss_of_a_constant_answer_is_known_the_first_accuracy_tells(accuracy, count):
    data = DataCard(baseline_accuracy=0.1)
    assert len(check.run(run(data=data, scalars={"accuracy": accuracy}))) == count


def test_a_term_of_a_sum_may_be_subtracted():
    trace = run()
    entropy = Objective(dataclasses.replace(TURNED, factor=1.0), Head())
    objectives = (*trace.run.objectives, entropy)
    assert check.run(dataclasses.replace(trace, run=dataclasses.replace(trace.run, objectives=objectives))) == ()


@pytest.mark.parametrize(("optimized", "count"), [(1000, 1), (400, 0)])
def test_where_the_answering_layer_is_not_known_most_parameters_must_be_trained(optimized, count):
    made = make_run(TURNED, Head(), optimized=optimized)
    assert len(check.run(make_trace(steps=60, scalars={"loss": GROWS}, run=made, data=TEN_CLASSES))) == count


def test_a_class_that_a_network_is_to_forget_stands_alone_and_was_known():
    data = DataCard(baseline_accuracy=1.0)
    for accuracy, count in ((1.0, 0), (0.2, 1)):
        accuracies = np.where(np.arange(60) < 5, accuracy, 0.0)
        assert len(check.run(run(-np.geomspace(0.1, 100, 60), data=data, scalars={"accuracy": accuracies}))) == count


@pytest.mark.parametrize(("factor", "count"), [(-1.0, 1), (-0.5, 0)])
def test_answers_that_overflowed_are_judged_by_what_they_were_before(factor, count):
    size = np.where(np.arange(50) < 30, np.geomspace(1, 1e12, 50), np.nan)
    squares = np.where(np.arange(50) < 30, factor * size**2, np.nan)
    sample = Sample(np.full(8, 49), np.zeros((8, 1)), QUANTITIES, np.full((8, 1), np.nan))
    scalars = {"prediction.mean": size, "prediction.std": 0.0, "loss.nonfinite": np.arange(50) >= 30}
    data = DataCard(targets=(target_card(QUANTITIES),))
    assert len(check.run(run(squares, OWN, data, scalars=scalars, sample=sample))) == count
