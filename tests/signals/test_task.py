import math

import numpy as np
import pytest

from deeplocalize.signals.task import Labels, Task, is_column, is_independent, labels, row_sum, scaled_classes, tasks
from deeplocalize.testing import make_run, make_trace
from deeplocalize.trace.cards import DataCard
from deeplocalize.trace.data import target_card
from deeplocalize.trace.schema import Head, Loss, Objective


def task(targets, units=4, shape=None, **facts):
    targets = np.asarray(targets)
    loss = Loss("cross-entropy", "loss", "logits", "class-index", **facts)
    return Task(0, loss, Head(units=units, shape=shape or (units,)), target_card(targets), rows=targets.astype(float))


def test_labels_are_counted_without_those_the_loss_ignores():
    assert labels(task([0, 1, 3, -100])) == Labels(0, 3, 3, 1)
    assert labels(task([0, 1, 3, 9], ignore_index=9)) == Labels(0, 3, 3, 1)


def test_minus_one_is_no_mark_where_one_other_label_is_left():
    assert labels(task([-1, 1, -1, 1])) == Labels(-1, 1, 2, -1)


def test_rows_and_quantities_are_no_class_labels():
    assert labels(task(np.eye(4))) is None
    assert labels(task(np.linspace(-3, 3, 9))) is None


def test_the_number_of_classes_counts_from_the_lowest_label():
    assert [Labels(low, 4, 3, 3).classes for low in (0, 1, -1)] == [5, 4, 5]


@pytest.mark.parametrize(
    ("targets", "shape", "column"),
    [
        (np.zeros(6), (4,), True),
        (np.zeros((6, 1)), (4,), True),
        (np.zeros((6, 5)), (5, 4), True),
        (np.eye(4), (4,), False),
    ],
)
def test_a_column_is_one_number_for_each_example_or_position(targets, shape, column):
    assert is_column(task(targets, shape=shape)) is column


def test_rows_with_several_ones_are_independent_and_padded_rows_are_not():
    assert is_independent(task([[1, 1, 0], [0, 0, 0]], units=3))
    assert not is_independent(task([[1, 0, 0], [0, 0, 0]], units=3))
    assert math.isnan(row_sum(task([[1, 1, 0], [0, 0, 0]], units=8)))


@pytest.mark.parametrize(
    ("targets", "classes"),
    [
        (np.arange(40) % 4 / 255, 4),
        (np.arange(40) % 4 * 0.3 - 0.5, 4),
        (np.arange(40) % 5 / 255, None),
        (np.arange(4) / 255, None),
        (np.array([0, 0.1, 0.35] * 9), None),
        (np.random.default_rng(0).random(40), None),
    ],
)
def test_divided_class_numbers_lie_on_an_even_grid_within_the_units(targets, classes):
    assert scaled_classes(task(targets)) == classes


def test_only_the_first_objective_has_recorded_values():
    objective = Objective(Loss("cross-entropy", "loss", "logits", "class-index"), Head(units=4))
    data = DataCard(targets=(target_card(np.arange(4)), target_card(np.arange(3))))
    trace = make_trace(run=make_run(objectives=(objective, objective)), data=data, scalars={"prediction.min": -2.0})
    first, second = tasks(trace)
    assert (first.low, first.seen) == (-2, 100)
    assert math.isnan(second.low) and second.seen == 0
    assert second.target is data.targets[1]


def test_targets_are_not_guessed_where_some_objectives_have_none():
    objective = Objective(Loss("other", "loss"))
    trace = make_trace(
        run=make_run(objectives=(objective, objective)), data=DataCard(targets=(target_card(np.arange(4)),))
    )
    assert [each.target for each in tasks(trace)] == [None, None]
