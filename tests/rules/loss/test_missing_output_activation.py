import numpy as np
import pytest

from deeplocalize.trace.schema import Crash

NUMBERS = np.arange(60) % 4
RAW = {"prediction.min": -3.0, "prediction.max": 4.0}


def test_raw_outputs_under_a_loss_on_probabilities_are_named_with_both_remedies(asked, rule):
    (found,) = rule("missing-output-activation").run(asked("binary cross-entropy", "linear", NUMBERS % 2, **RAW))
    assert (found.locus.kind, found.locus.layer) == ("activation-output", 2)
    assert (found.remedies[0].before, found.remedies[0].after) == ("linear", "sigmoid")
    assert found.remedies[1].text == "Use the loss that takes raw outputs: BCEWithLogitsLoss."
    assert [each.observed for each in found.evidence] == [-3, 4]


def test_softmax_is_proposed_over_classes_and_log_softmax_for_a_likelihood(asked, rule):
    for loss, wanted in (("cross-entropy, by number", "softmax"), ("negative log-likelihood", "log_softmax")):
        (found,) = rule("missing-output-activation").run(asked(loss, "linear", NUMBERS, 4))
        assert found.remedies[0].after == wanted


def test_values_that_keep_to_the_range_show_that_something_unseen_normalizes_them(asked, rule):
    kept = {"prediction.min": 0.01, "prediction.max": 0.9}
    assert rule("missing-output-activation").run(asked("binary cross-entropy", "linear", NUMBERS % 2, **kept)) == ()


def test_an_exception_in_the_loss_outweighs_values_seen_before(asked, rule):
    kept = {"prediction.min": 0.01, "prediction.max": 0.9}
    run = {"crash": Crash("RuntimeError", "all elements of input should be between 0 and 1", "loss")}
    trace = asked("binary cross-entropy", "linear", NUMBERS % 2, run=run, **kept)
    assert len(rule("missing-output-activation").run(trace)) == 1


@pytest.mark.parametrize(
    ("loss", "low", "high", "accused"),
    [
        ("binary cross-entropy", -0.5, 0.9, True),
        ("binary cross-entropy", 0.0, 1.5, True),
        ("binary cross-entropy", 0.0, 1.0, False),
        ("binary cross-entropy", -0.005, 0.9, True),
        ("binary cross-entropy", -0.0005, 1.0005, False),  # rounding
        ("cross-entropy, by number", -0.5, 0.9, True),
        ("cross-entropy, by number", 0.0, 7.0, False),
        ("negative log-likelihood", -9.0, 2.0, True),
        ("negative log-likelihood", -9.0, 0.0, False),
    ],
)
def test_an_unknown_output_is_judged_by_the_values_handed_over(asked, rule, loss, low, high, accused):
    targets, units = (NUMBERS % 2, 1) if loss == "binary cross-entropy" else (NUMBERS, 4)
    trace = asked(loss, None, targets, units, **{"prediction.min": low, "prediction.max": high})
    assert len(rule("missing-output-activation").run(trace)) == accused


def test_nothing_known_of_the_output_is_no_verdict(asked, rule):
    assert "not known" in rule("missing-output-activation").run(asked("binary cross-entropy", None, NUMBERS % 2)).why
