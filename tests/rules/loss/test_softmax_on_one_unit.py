import dataclasses

import numpy as np

from deeplocalize.testing import source
from deeplocalize.trace import Softmax

LABELS = np.arange(60) % 2


def test_softmax_on_one_unit_is_named_with_its_line(asked, rule):
    (found,) = rule("softmax-on-one-unit").run(asked("binary cross-entropy", "softmax", LABELS))
    assert (found.locus.kind, found.locus.layer, found.locus.source.line) == ("activation-output", 2, 22)
    assert found.remedies[0].after == "sigmoid"


def test_a_quantity_needs_no_nonlinearity(asked, rule):
    (found,) = rule("softmax-on-one-unit").run(asked("squared error", "softmax", np.linspace(-5, 5, 60)))
    assert found.remedies[0].after == "linear"


def test_outputs_below_one_show_that_the_softmax_runs_over_another_axis(asked, rule):
    trace = asked("binary cross-entropy", "softmax", LABELS, **{"prediction.min": 0.1, "prediction.max": 0.4})
    assert rule("softmax-on-one-unit").run(trace) == ()


def test_recorded_outputs_of_one_are_evidence(asked, rule):
    trace = asked("binary cross-entropy", "softmax", LABELS, **{"prediction.min": 1, "prediction.max": 1})
    (found,) = rule("softmax-on-one-unit").run(trace)
    assert found.evidence[1].observed == 1


def test_a_program_whose_output_is_not_known_is_not_judged(asked, rule):
    answer = rule("softmax-on-one-unit").run(asked("binary cross-entropy", None, LABELS))
    assert "not known" in answer.why


def test_softmax_over_several_units_is_fine(asked, rule):
    assert rule("softmax-on-one-unit").run(asked("cross-entropy, by number", "softmax", LABELS, 2)) == ()


def test_outputs_are_one_but_for_rounding(asked, rule):
    for low, accused in ((0.9995, 1), (0.995, 0)):
        trace = asked("binary cross-entropy", "softmax", LABELS, **{"prediction.min": low, "prediction.max": 1.0})
        assert len(rule("softmax-on-one-unit").run(trace)) == accused


def test_an_attention_whose_weights_are_all_one_is_named_at_its_line(asked, rule):
    trace = with_run(
        asked("cross-entropy on logits, by number", "linear", np.arange(60) % 3, 3),
        inner_softmax=Softmax((None, 1, 6), 1, 0, source(31)),
    )
    (found,) = rule("softmax-on-one-unit").run(trace)
    assert (found.locus.kind, found.locus.layer, found.locus.source.line) == ("activation-hidden", 0, 31)
    assert (found.remedies[0].before, found.remedies[0].after) == ("dim=1", "dim=2")


def test_of_an_output_and_an_attention_the_output_is_named(asked, rule):
    trace = with_run(
        asked("binary cross-entropy", "softmax", LABELS), inner_softmax=Softmax((None, 5, 1), 2, 0, source(31))
    )
    (found,) = rule("softmax-on-one-unit").run(trace)
    assert found.locus.kind == "activation-output"


def with_run(trace, **facts):
    return dataclasses.replace(trace, run=dataclasses.replace(trace.run, **facts))
