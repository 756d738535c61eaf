import dataclasses

import numpy as np
import pytest

from deeplocalize.rules.loss.class_weights_inverted import check
from deeplocalize.testing import source

COUNTS = (80, 20, 8)


def run(asked, weights, counts=COUNTS, *, loss="cross-entropy on logits, by number", right=0.5, rows=False, **facts):
    """A run in which this share of the rarer classes' examples is answered right, and all of the others."""
    labels = np.repeat(np.arange(len(counts)), counts)
    answers = np.eye(len(counts))[labels]
    rare = np.flatnonzero(np.isin(labels, np.flatnonzero(np.array(counts) < np.mean(counts))))
    wrong = rare[round(right * len(rare)) :]
    answers[wrong] = 0.0
    answers[wrong, int(np.argmax(counts))] = 1.0
    targets, units = (np.eye(len(counts))[labels], len(counts)) if rows else (labels, len(counts))
    if loss.startswith("binary"):
        answers, units = 2 * answers[:, 1:] - 1, 1
        targets = labels[:, None]
    trace = asked(loss, "linear", targets, units, answers=answers, **facts)
    (objective,) = trace.run.objectives
    weighted = dataclasses.replace(objective.loss, class_weights=tuple(map(float, weights)))
    objective = dataclasses.replace(objective, loss=weighted)
    return dataclasses.replace(trace, run=dataclasses.replace(trace.run, objectives=(objective,)))


def test_weights_that_grow_with_the_counts_are_named_with_the_line_of_the_loss(asked):
    (found,) = check.run(run(asked, (0.74, 0.19, 0.07)))
    assert (found.locus.kind, found.locus.source) == ("loss", source(30))
    assert found.message == (
        "The loss weighs class 0, the most frequent with 80 labels, 10.6 times as much as class 2 with 8: the weights are the "
        "wrong way round."
    )
    assert (found.remedies[0].before, found.remedies[0].after) == ("[0.74, 0.19, 0.07]", "[0.45, 1.8, 4.5]")


def test_where_weights_are_an_argument_of_fit_its_line_is_named(asked):
    (found,) = check.run(run(asked, (8, 2, 1), run={"sources": {"class_weight": source(44)}}))
    assert found.locus.source == source(44)


def test_labels_may_be_rows(asked):
    assert len(check.run(run(asked, (8, 2, 1), loss="cross-entropy, by row", rows=True))) == 1


@pytest.mark.parametrize(("weights", "count"), [((1, 0.1), 1), ((1, 10), 0)])
def test_the_weight_of_yes_is_compared_with_its_count(asked, weights, count):
    trace = run(asked, weights, (90, 10), loss="binary cross-entropy on logits")
    assert len(check.run(trace)) == count


@pytest.mark.parametrize(
    ("weights", "counts", "count"),
    [
        ((0.45, 1.8, 4.5), COUNTS, 0),  # as they should be
        ((), COUNTS, 0),
        ((1, 1, 1), COUNTS, 0),
        ((5, 1), (40, 35), 0),  # a cost that is meant, on balanced data
        ((5, 1), (28, 10), 0),
        ((5, 1), (32, 10), 1),
        ((2.8, 1), (80, 10), 0),  # weights that hardly differ
        ((3.2, 1), (80, 10), 1),
        ((3, 4, 1), COUNTS, 0),  # another order
        ((9, 9.5, 8, 1, 0.9), (90, 80, 70, 20, 9), 1),  # nearly the same order
        ((1, 0), (80, 10), 0),  # a class that is left out
        ((9, 5, 5, 5, 3), (90, 20, 20, 20, 9), 1),
    ],
)
def test_counts_and_weights_must_be_far_apart_and_in_one_order(asked, weights, counts, count):
    assert len(check.run(run(asked, weights, counts))) == count


@pytest.mark.parametrize(("right", "count"), [(0.0, 1), (0.85, 1), (0.95, 0), (1.0, 0)])
def test_where_rare_classes_are_answered_right_all_the_same_nothing_is_said(asked, right, count):
    assert len(check.run(run(asked, (8, 2, 1), (400, 80, 40), right=right))) == count


@pytest.mark.parametrize(("rare", "count"), [(4, 0), (6, 1), (30, 1)])
def test_a_few_examples_of_rare_classes_are_needed(asked, rare, count):
    assert len(check.run(run(asked, (8, 1), (200, rare)))) == count


def test_a_label_that_the_loss_ignores_is_no_class(asked):
    trace = run(asked, (8, 1), (80, 20))
    (objective,) = trace.run.objectives
    ignoring = dataclasses.replace(objective, loss=dataclasses.replace(objective.loss, ignore_index=0))
    assert check.run(dataclasses.replace(trace, run=dataclasses.replace(trace.run, objectives=(ignoring,)))) == ()
