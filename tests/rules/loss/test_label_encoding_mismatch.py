import numpy as np
import pytest

from deeplocalize.trace.schema import Loss

NUMBERS = np.arange(60) % 4
ROWS = np.eye(4)[NUMBERS]
KERAS = {"framework": "keras"}
SEVERAL = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [1, 0, 0, 0]] * 20)


@pytest.mark.parametrize(
    ("loss", "activation", "targets", "kind", "line", "after"),
    [
        ("cross-entropy, by row", "softmax", NUMBERS, "loss", 30, "sparse_categorical_crossentropy"),
        ("cross-entropy, by number", "softmax", ROWS, "loss", 30, "categorical_crossentropy"),
        ("cross-entropy, by number", "sigmoid", SEVERAL, "loss", 30, "binary_crossentropy"),
        ("cross-entropy on logits, by row", "linear", SEVERAL, "loss", 30, "binary_crossentropy"),
        ("cross-entropy on logits, by number", "linear", ROWS, "label-encoding", 40, "class numbers"),
        ("binary cross-entropy", "softmax", NUMBERS, "loss", 30, "sparse_categorical_crossentropy"),
        ("binary cross-entropy", "sigmoid", NUMBERS, "label-encoding", 40, "one-hot rows"),
    ],
)
def test_the_fix_goes_where_one_word_mends_it(asked, rule, loss, activation, targets, kind, line, after):
    (found,) = rule("label-encoding-mismatch").run(asked(loss, activation, targets, 4, run=KERAS))
    assert (found.locus.kind, found.locus.source.line, found.remedies[0].after) == (kind, line, after)


def test_one_unit_under_a_cross_entropy_over_classes_needs_the_binary_one(asked, rule):
    (found,) = rule("label-encoding-mismatch").run(asked("cross-entropy, by row", "sigmoid", NUMBERS % 2, run=KERAS))
    assert found.remedies[0].after == "binary_crossentropy"


def test_floating_point_class_numbers_that_the_loss_takes_for_rows_are_to_become_integers(asked, rule):
    loss = Loss("cross-entropy", "CrossEntropyLoss", "logits", "one-hot")
    (found,) = rule("label-encoding-mismatch").run(asked(loss, "linear", NUMBERS.astype(np.float32), 4))
    assert found.remedies[0].after == "labels.long()"


def test_class_numbers_that_were_divided_are_recognized(asked, rule):
    (found,) = rule("label-encoding-mismatch").run(asked("cross-entropy, by number", "softmax", NUMBERS / 255, 4))
    assert found.locus.kind == "label-encoding"
    assert found.remedies[0].after == "labels 0 to 3"


def test_a_measured_quantity_is_not_taken_for_divided_class_numbers(asked, rule):
    measured = np.random.default_rng(0).random(60)
    assert rule("label-encoding-mismatch").run(asked("cross-entropy, by number", "softmax", measured, 4)) == ()


def test_labels_for_each_position_are_not_taken_for_rows(asked, rule):
    masks = np.random.default_rng(0).integers(0, 2, (60, 5))
    trace = asked("cross-entropy on logits, by number", "linear", masks, 2, shape=(5, 2))
    assert rule("label-encoding-mismatch").run(trace) == ()


def test_soft_labels_fit_a_loss_that_reads_rows(asked, rule):
    soft = np.random.default_rng(0).dirichlet(np.ones(4), 60)
    assert rule("label-encoding-mismatch").run(asked("cross-entropy, by row", "softmax", soft, 4)) == ()


def test_several_units_that_answer_one_quantity_are_left_alone(asked, rule):
    assert rule("label-encoding-mismatch").run(asked("squared error", "linear", NUMBERS, 9)) == ()
