import numpy as np
import pytest

from deeplocalize.signals.labels import alone, is_one_label, most_common
from deeplocalize.testing import make_run, make_trace
from deeplocalize.trace import DataCard, Loss
from deeplocalize.trace.data import target_card


def asked(targets, loss=("cross-entropy", "CrossEntropyLoss", "logits", "class-index"), **facts):
    data = DataCard(targets=(target_card(np.asarray(targets)),))
    return make_trace(run=make_run(Loss(*loss, **facts)), data=data)


def test_the_most_frequent_class_is_counted_in_numbers_and_in_rows():
    assert most_common(asked([0, 1, 1, 2])) == 0.5
    assert most_common(asked(np.eye(3)[[0, 1, 1, 2]])) == 0.5


def test_quantities_have_no_most_frequent_class():
    assert most_common(asked([0.5, 1.7, 2.2])) is None
    assert most_common(make_trace()) is None


def test_one_number_or_one_row_for_each_example_is_one_label():
    assert is_one_label(asked([0, 1, 1, 2]))
    assert is_one_label(asked(np.eye(3)[[0, 1, 1, 2]], ("cross-entropy", "loss", "logits", "one-hot")))


@pytest.mark.parametrize(
    "trace",
    [
        asked([[0, 1], [1, 2]]),  # a label for each position
        asked([0, 1, 1, 2], ("mean-squared-error", "MSELoss")),
        asked([0, 1, 1, 2], weighted=True),
        asked([0, 1, 1, 2], reduction="sum"),
        make_trace(),
    ],
)
def test_anything_else_is_not(trace):
    assert not is_one_label(trace)


@pytest.mark.parametrize(
    ("scalars", "answer"),
    [
        ({}, True),
        ({"other_steps": 0.0, "backwards": 1.0}, True),
        ({"other_steps": np.arange(100) == 50}, True),  # something else was trained in between, once
        ({"other_steps": np.arange(100) % 2}, False),
        ({"backwards": 2.0}, False),
    ],
)
def test_a_training_is_alone_unless_another_steps_in_between(scalars, answer):
    assert alone(make_trace(scalars=scalars)) is answer
