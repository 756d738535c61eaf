import numpy as np
import pytest

from deeplocalize.trace.batch import batch_scalars
from deeplocalize.trace.schema import Loss

CLASSES = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index", ignore_index=-100)
X = np.arange(12.0).reshape(4, 3)


def test_the_same_batch_has_the_same_digest_and_another_one_has_another():
    first, again, other = (batch_scalars(x, None, None)["input.digest"] for x in (X, X.copy(), X[::-1]))
    assert first == again != other
    assert 0 <= first < 1


@pytest.mark.parametrize(
    ("targets", "majority"),
    [
        (np.array([1, 1, 1, 0]), 0.75),
        (np.eye(3)[[0, 0, 1, 2]], 0.5),
        (np.array([[0.0], [1.0], [1.0], [1.0]]), 0.75),
        (np.array([2, 2, -100, 0]), 2 / 3),
    ],
)
def test_the_most_frequent_label_of_a_batch_is_counted_among_those_that_the_loss_reads(targets, majority):
    assert batch_scalars(None, targets, CLASSES)["target.majority"] == pytest.approx(majority)


def test_labels_that_the_loss_leaves_out_are_counted():
    assert batch_scalars(None, np.array([-100, -100, -100, 5]), CLASSES)["target.ignored"] == 0.75
    assert batch_scalars(None, np.array([-100, -100]), CLASSES) == {"target.ignored": 1.0}


def test_quantities_have_no_most_frequent_label():
    assert batch_scalars(None, np.array([0.1, 3.7, -2.0]), None) == {}


def test_images_with_a_blank_border_are_told_apart():
    images = np.zeros((2, 4, 3, 200, 200))
    images[:, :, :, 50:150, 50:150] = np.random.default_rng(0).random((2, 4, 3, 100, 100))
    first, other = (batch_scalars(each, None, None)["input.digest"] for each in images)
    assert first != other


@pytest.mark.parametrize(
    ("tokens", "labels", "copied"),
    [
        ([[1, 2, 3], [4, 5, 6]], [[1, 2, 3], [4, 5, 6]], 1.0),
        ([[1, 2, 3], [4, 5, 6]], [1, 2, 3, 4, 5, 6], 1.0),  # flattened for the loss
        ([[1, 2, 3], [4, 5, 6]], [[2, 3, 1], [5, 6, 6]], 1 / 6),
        ([[1.0, 2.0], [3.0, 4.0]], [[1], [3]], None),  # a label for each example
        ([[1], [3]], [1, 3], None),
    ],
)
def test_of_a_sequence_the_share_of_labels_that_are_its_tokens_is_told(tokens, labels, copied):
    found = batch_scalars(np.array(tokens), np.array(labels), CLASSES).get("target.copied")
    assert found == (None if copied is None else pytest.approx(copied))
