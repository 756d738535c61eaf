import dataclasses

import numpy as np
import pytest

from deeplocalize.trace import Series

NUMBERS = np.arange(60) % 4
SEVERAL = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 0]] * 20)


def test_sigmoid_under_a_cross_entropy_over_classes_is_to_become_softmax(asked, rule):
    (found,) = rule("wrong-output-activation").run(asked("cross-entropy, by number", "sigmoid", NUMBERS, 4))
    assert (found.locus.layer, found.locus.source.line) == (2, 22)
    assert (found.remedies[0].before, found.remedies[0].after) == ("sigmoid", "softmax")


def test_relu_under_a_binary_cross_entropy_is_to_become_sigmoid(asked, rule):
    (found,) = rule("wrong-output-activation").run(asked("binary cross-entropy", "relu", NUMBERS % 2))
    assert found.remedies[0].after == "sigmoid"


def test_softmax_on_independent_labels_is_to_become_sigmoid(asked, rule):
    (found,) = rule("wrong-output-activation").run(asked("cross-entropy, by row", "softmax", SEVERAL, 3))
    assert found.remedies[0].after == "sigmoid"
    assert "binary cross-entropy" in found.remedies[0].text
    assert found.evidence[0].observed == 2


def test_rows_of_zeros_that_pad_do_not_make_labels_independent(asked, rule):
    padded = np.concatenate([np.eye(3), np.zeros((3, 3))] * 10)
    assert rule("wrong-output-activation").run(asked("cross-entropy, by row", "softmax", padded, 3)) == ()


def test_tanh_before_softmax_keeps_the_network_from_being_sure(asked, rule):
    (found,) = rule("wrong-output-activation").run(
        asked("cross-entropy, by number", "tanh+softmax", np.arange(60) % 10, 10)
    )
    assert found.evidence[0].observed == pytest.approx(0.797, abs=1e-3)
    assert found.remedies[0].after == "linear"


@pytest.mark.parametrize(("learns", "accused"), [(False, 1), (True, 0)])
def test_relu_before_softmax_is_reported_only_where_the_network_does_not_learn(asked, rule, learns, accused):
    trace = asked("cross-entropy, by number", "relu+softmax", NUMBERS, 4, learns=learns)
    assert len(rule("wrong-output-activation").run(trace)) == accused


def test_a_scaled_tanh_is_recognized_by_its_values(asked, rule):
    trace = asked(
        "cross-entropy on logits, by number", "tanh", NUMBERS, 4, **{"prediction.min": -9.0, "prediction.max": 9.0}
    )
    assert "not known" in rule("wrong-output-activation").run(trace).why


def test_an_output_that_the_loss_was_not_seen_to_be_given_is_not_judged(asked, rule):
    trace = asked("cross-entropy on logits, by number", "tanh", NUMBERS, None, answers=np.zeros((60, 4)), shape=(4,))
    assert "not known" in rule("wrong-output-activation").run(trace).why


def test_positive_functions_may_stand_before_a_loss_that_divides_by_their_sum(asked, rule):
    assert rule("wrong-output-activation").run(asked("cross-entropy, by number", "exponential", NUMBERS, 4)) == ()


def test_probabilities_kept_away_from_zero_are_still_those_of_the_sigmoid(asked, rule):
    assert rule("wrong-output-activation").run(asked("binary cross-entropy", "sigmoid+relu", NUMBERS % 2)) == ()


def test_a_nonlinearity_with_a_range_of_its_own_is_not_judged(asked, rule):
    answer = rule("wrong-output-activation").run(asked("binary cross-entropy", "hard_tanh", NUMBERS % 2))
    assert "not known" in answer.why


@pytest.mark.parametrize(
    ("loss", "activation", "accused"),
    [("cross-entropy on logits, by number", "tanh", 0), ("cross-entropy, by number", "sigmoid", 1)],
)
def test_of_a_further_loss_limits_are_not_judged_but_the_kind_of_output_is(
    asked, beside_another_loss, rule, loss, activation, accused
):
    trace = beside_another_loss(asked(loss, activation, NUMBERS, 4))
    assert len(rule("wrong-output-activation").run(trace)) == accused


@pytest.mark.parametrize(("dead", "accused"), [(0.25, 1), (0.0, 0)])
def test_relu_that_lost_a_class_is_reported_though_the_network_learns_the_others(asked, rule, dead, accused):
    trace = asked("cross-entropy on logits, by number", "relu", NUMBERS, 4, learns=True)
    trace = dataclasses.replace(trace, columns={Series("activation", "dead"): np.full((len(trace.sampled), 3), dead)})
    found = rule("wrong-output-activation").run(trace)
    assert len(found) == accused
    assert not found or (found[0].evidence[0].observed, found[0].remedies[0].after) == (1, "linear")


def test_units_of_classes_that_do_not_occur_may_be_dead(asked, rule):
    trace = asked("cross-entropy on logits, by number", "relu", NUMBERS, 5, learns=True)
    trace = dataclasses.replace(trace, columns={Series("activation", "dead"): np.full((len(trace.sampled), 3), 0.2)})
    assert rule("wrong-output-activation").run(trace) == ()


def test_a_range_that_leaves_room_for_large_logits_is_wide_enough(asked, rule):
    assert rule("wrong-output-activation").run(asked("cross-entropy, by number", "relu6+softmax", NUMBERS, 4)) == ()
