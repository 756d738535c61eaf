import numpy as np
import pytest

from deeplocalize.trace.schema import Crash, Loss

NUMBERS = np.arange(60) % 4
BY_NUMBER = "cross-entropy on logits, by number"


@pytest.mark.parametrize(
    ("loss", "targets", "units", "needed"),
    [
        ("binary cross-entropy", NUMBERS, 1, 4),
        ("binary cross-entropy", NUMBERS % 3 + 1, 1, 3),
        (BY_NUMBER, NUMBERS, 3, 4),
        ("cross-entropy, by row", np.eye(4)[NUMBERS], 3, 4),
        ("squared error", np.random.default_rng(0).normal(size=(60, 4)), 1, 4),
        ("binary cross-entropy on logits", NUMBERS % 2, 2, 1),
    ],
)
def test_the_number_of_units_that_the_targets_need_is_named(asked, rule, loss, targets, units, needed):
    (found,) = rule("wrong-output-units").run(asked(loss, "linear", targets, units))
    assert (found.locus.kind, found.locus.layer, found.locus.source.line) == ("output-units", 2, 12)
    assert (found.remedies[0].before, found.remedies[0].after) == (str(units), str(needed))


def test_more_units_than_classes_seen_are_fine(asked, rule):
    assert rule("wrong-output-units").run(asked(BY_NUMBER, "linear", NUMBERS, 1000)) == ()


def test_one_label_far_beyond_marks_what_is_not_labeled(asked, rule):
    assert rule("wrong-output-units").run(asked(BY_NUMBER, "linear", np.r_[NUMBERS, 255], 4)) == ()


def test_labels_beyond_that_the_loss_is_told_to_ignore_are_fine(asked, rule):
    loss = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index", ignore_index=4)
    assert rule("wrong-output-units").run(asked(loss, "linear", np.r_[NUMBERS, 4], 4)) == ()


def test_a_label_that_the_loss_refused_is_no_mark(asked, rule):
    run = {"crash": Crash("IndexError", "Target 9 is out of bounds", "loss")}
    assert len(rule("wrong-output-units").run(asked(BY_NUMBER, "linear", np.r_[NUMBERS, 9], 4, run=run))) == 1


def test_a_whole_numbered_quantity_needs_one_unit(asked, rule):
    assert rule("wrong-output-units").run(asked("squared error", "linear", NUMBERS)) == ()


def test_labels_for_each_pixel_are_answered_by_channels(asked, rule):
    masks = np.random.default_rng(0).integers(0, 3, (60, 4, 5))
    assert rule("wrong-output-units").run(asked(BY_NUMBER, "linear", masks, 3, shape=(3, 4, 5))) == ()


def test_labels_that_begin_with_0_name_more_classes_although_not_all_were_seen(asked, rule):
    seen = np.array([0, 1, 2, 4, 5, 6, 7, 8, 9])
    (found,) = rule("wrong-output-units").run(asked(BY_NUMBER, "linear", seen, 9))
    assert found.remedies[0].after == "10"
    assert rule("labels-out-of-range").run(asked(BY_NUMBER, "linear", seen, 9)) == ()
    shifted = asked(BY_NUMBER, "linear", seen[1:] + 1, 9)
    assert rule("wrong-output-units").run(shifted) == ()
    assert len(rule("labels-out-of-range").run(shifted)) == 1
