import numpy as np
import pytest

from deeplocalize.signals.repetition import rows_again
from deeplocalize.testing import make_trace
from deeplocalize.trace.schema import Sample

LABELS = np.arange(32) % 4


def drawn(labels=LABELS, *, again=True, noise=0.1, classes=1.0, steps=range(8), draw_labels=False, width=16):
    """The rows of some batches: those of the first one with noise, or `again` ones of the same labels drawn anew."""
    generator = np.random.default_rng(5)
    centers = classes * generator.normal(size=(labels.max() + 1, width))
    first = centers[labels] + generator.normal(size=(len(labels), width))
    rows, targets = [], []
    for _ in steps:
        fresh = centers[labels] + generator.normal(size=first.shape)
        rows.append((first if again else fresh) + noise * generator.normal(size=first.shape))
        targets.append(generator.permutation(labels) if draw_labels else labels)
    inputs, known = np.concatenate(rows), np.concatenate(targets)[:, None].astype(float)
    sample = Sample(np.repeat(np.asarray(steps), len(labels)), inputs, known, np.zeros((len(inputs), 1)))
    return make_trace(sample=sample)


def test_a_batch_that_comes_back_with_noise_is_found_again():
    assert rows_again(drawn(), 40) == 1.0
    assert rows_again(drawn(noise=0.0), 40) == 1.0
    assert rows_again(drawn(np.arange(32)), 40) == 1.0  # of labels that are all different


@pytest.mark.parametrize("classes", [1.0, 100.0])
def test_rows_drawn_anew_are_not_even_where_the_labels_keep_their_order(classes):
    assert rows_again(drawn(again=False, classes=classes), 40) < 0.7
    assert rows_again(drawn(np.arange(32) // 2, again=False, classes=classes), 40) < 0.9
    assert rows_again(drawn(draw_labels=True), 40) == 0.0


@pytest.mark.parametrize(
    "facts",
    [
        {"labels": np.zeros(32, int)},  # no labels at all
        {"labels": LABELS[:7]},
        {"labels": np.r_[np.arange(25), np.arange(3)]},  # hardly one has another of its label
        {"steps": range(5)},
        {"steps": range(0, 400, 40)},  # an order that stays the same
    ],
)
def test_too_little_tells_nothing(facts):
    assert np.isnan(rows_again(drawn(**facts), 40))


def test_without_rows_nothing_is_known():
    assert np.isnan(rows_again(make_trace(), 40))
