import math

import numpy as np
import pytest

NUMBERS = np.arange(60) % 4
LOGITS = "cross-entropy on logits, by number"
NORMALIZED = {"prediction.min": 0.0, "prediction.max": 1.0, "prediction.row_sum_error": 1e-6}


def test_softmax_before_a_cross_entropy_on_logits_is_named_with_the_loss_it_cannot_pass(asked, rule):
    (found,) = rule("normalized-twice").run(asked(LOGITS, "softmax", NUMBERS, 4))
    assert (found.locus.layer, found.locus.source.line) == (2, 22)
    assert found.evidence[0].observed == pytest.approx(math.log(1 + 3 / math.e))
    assert (found.remedies[0].before, found.remedies[0].after) == ("softmax", "linear")


def test_sigmoid_before_a_binary_cross_entropy_on_logits_is_found(asked, rule):
    (found,) = rule("normalized-twice").run(asked("binary cross-entropy on logits", "sigmoid", NUMBERS % 2))
    assert found.evidence[0].observed == pytest.approx((math.log(1 + 1 / math.e) + math.log(2)) / 2)


def test_two_softmaxes_in_a_row_are_found(asked, rule):
    (found,) = rule("normalized-twice").run(asked("cross-entropy, by number", "softmax+softmax", NUMBERS, 4))
    assert "and then again" in found.message


def test_log_softmax_may_be_applied_twice(asked, rule):
    assert rule("normalized-twice").run(asked(LOGITS, "log_softmax", NUMBERS, 4)) == ()


def test_an_unknown_output_is_recognized_by_rows_that_sum_to_one(asked, rule):
    assert len(rule("normalized-twice").run(asked(LOGITS, None, NUMBERS, 4, **NORMALIZED))) == 1


@pytest.mark.parametrize(
    "unlike", [{"prediction.min": -0.1}, {"prediction.max": 1.2}, {"prediction.row_sum_error": 0.1}]
)
def test_an_unknown_output_with_other_values_is_left_alone(asked, rule, unlike):
    assert rule("normalized-twice").run(asked(LOGITS, None, NUMBERS, 4, **(NORMALIZED | unlike))) == ()


def test_a_few_steps_prove_nothing_about_an_unknown_output(asked, rule):
    few = {name: np.where(np.arange(300) < 10, value, np.nan) for name, value in NORMALIZED.items()}
    assert rule("normalized-twice").run(asked(LOGITS, None, NUMBERS, 4, **few)) == ()


def test_a_scaled_softmax_is_recognized_by_its_values(asked, rule):
    trace = asked(LOGITS, "softmax", NUMBERS, 4, **{"prediction.min": 0, "prediction.max": 9.7})
    assert rule("normalized-twice").run(trace) == ()


def test_a_program_that_learns_all_the_same_is_accused_more_mildly(asked, rule):
    bad, good = (rule("normalized-twice").run(asked(LOGITS, "softmax", NUMBERS, 4, learns=learns)) for learns in (0, 1))
    assert good[0].strength < bad[0].strength


def test_a_hundred_steps_are_enough_to_know_an_output(asked, rule):
    hundred = {name: np.where(np.arange(300) < 100, value, np.nan) for name, value in NORMALIZED.items()}
    assert len(rule("normalized-twice").run(asked(LOGITS, None, NUMBERS, 4, **hundred))) == 1


@pytest.mark.parametrize(("error", "accused"), [(5e-4, 1), (5e-3, 0)])
def test_rows_sum_to_one_but_for_rounding(asked, rule, error, accused):
    values = NORMALIZED | {"prediction.row_sum_error": error}
    assert len(rule("normalized-twice").run(asked(LOGITS, None, NUMBERS, 4, **values))) == accused
