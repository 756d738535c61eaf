import dataclasses

import numpy as np
import pytest

from deeplocalize.trace.schema import Crash, Loss

NUMBERS = np.arange(60) % 4
BY_NUMBER = "cross-entropy on logits, by number"


def test_labels_counted_from_one_are_told_to_be_shifted(asked, rule):
    (found,) = rule("labels-out-of-range").run(asked(BY_NUMBER, "linear", NUMBERS + 1, 4))
    assert (found.locus.kind, found.locus.source.line) == ("label-encoding", 40)
    assert "counted from 1" in found.message
    assert found.remedies[0].after == "labels - 1"
    assert found.evidence[0].observed == 15


def test_few_labels_that_begin_with_one_may_also_lack_a_class(asked, rule):
    (surely,) = rule("labels-out-of-range").run(asked(BY_NUMBER, "linear", NUMBERS + 1, 4))
    (perhaps,) = rule("labels-out-of-range").run(asked(BY_NUMBER, "linear", NUMBERS[:16] + 1, 4))
    assert [each.after for each in surely.remedies] == ["labels - 1"]
    assert [each.after for each in perhaps.remedies] == ["labels - 1", "5"]


def test_plus_and_minus_one_are_to_become_one_and_zero(asked, rule):
    (found,) = rule("labels-out-of-range").run(asked("binary cross-entropy", "sigmoid", NUMBERS % 2 * 2 - 1))
    assert found.remedies[0].after == "0, 1"


def test_gray_values_up_to_255_are_to_be_divided(asked, rule):
    gray = np.random.default_rng(0).integers(0, 256, (60, 9))
    (found,) = rule("labels-out-of-range").run(asked("binary cross-entropy", "sigmoid", gray, 9))
    assert found.remedies[0].after == "targets / 255"


def test_class_numbers_with_gaps_are_to_be_numbered_anew(asked, rule):
    (found,) = rule("labels-out-of-range").run(asked(BY_NUMBER, "linear", NUMBERS * 10, 4))
    assert "0 to 3" in found.remedies[0].text


def test_a_run_that_stopped_because_of_its_labels_is_judged_without_a_step(asked, rule):
    crash = Crash("IndexError", "Target 4 is out of bounds.", "loss")
    trace = asked(BY_NUMBER, "linear", NUMBERS + 1, 4, run={"crash": crash}, steps=0)
    assert len(rule("labels-out-of-range").run(trace)) == 1


@pytest.mark.parametrize("mark", [-100, -1, 255])
def test_marks_for_what_is_not_labeled_are_left_alone(asked, rule, mark):
    assert rule("labels-out-of-range").run(asked(BY_NUMBER, "linear", np.r_[NUMBERS, mark], 4)) == ()


@pytest.mark.parametrize("mark", [-1, 255])
def test_a_mark_that_the_loss_refused_is_a_label_out_of_range(asked, rule, mark):
    run = {"crash": Crash("IndexError", f"Target {mark} is out of bounds.", "loss")}
    labels = np.r_[NUMBERS[NUMBERS < 3], mark]
    assert len(rule("labels-out-of-range").run(asked(BY_NUMBER, "linear", labels, 4, run=run))) == 1


def test_the_index_that_the_loss_ignores_may_be_anything(asked, rule):
    loss = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index", ignore_index=4)
    assert rule("labels-out-of-range").run(asked(loss, "linear", np.r_[NUMBERS, 4], 4)) == ()


def test_minus_one_with_weights_marks_missing_labels_of_a_binary_loss(asked, rule):
    loss = Loss("binary-cross-entropy", "BCEWithLogitsLoss", "logits", "elementwise", weighted=True)
    labels = np.random.default_rng(0).integers(-1, 2, (60, 5))
    assert rule("labels-out-of-range").run(asked(loss, "linear", labels, 5)) == ()
    unweighted = asked(dataclasses.replace(loss, weighted=False), "linear", labels, 5)
    assert len(rule("labels-out-of-range").run(unweighted)) == 1


def test_the_last_word_of_a_large_vocabulary_is_counted_too(asked, rule):
    trace = asked(BY_NUMBER, "linear", np.arange(1, 2001), 2000)
    assert len(rule("labels-out-of-range").run(trace)) == 1
    assert rule("labels-out-of-range").run(asked(BY_NUMBER, "linear", np.arange(2000), 2000)) == ()
