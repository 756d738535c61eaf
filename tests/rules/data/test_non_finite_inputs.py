import dataclasses

import numpy as np
import pytest

from deeplocalize.testing import make_run, make_trace
from deeplocalize.trace.cards import DataCard
from deeplocalize.trace.data import InputCollector, target_card
from deeplocalize.trace.schema import Crash, PassedOver

STEPS = np.arange(100)


def trained_on(inputs=1.0, targets=1.0, *, columns=None, run=None, **scalars):
    """`inputs` and `targets` are one more value of the data; scalars hold the first step in which the count is 1."""
    collector = InputCollector("x")
    collector.add(np.array([[0.0], [1.0], [inputs]]))
    data = DataCard((collector.card(),), (target_card(np.array([0.0, 0.5, targets])),))
    counted = {name.replace("_", "."): (first <= STEPS).astype(float) for name, first in scalars.items()}
    return make_trace(scalars=counted, data=data, columns=columns, run=run)


@pytest.mark.parametrize("side", ["input", "target"])
def test_nan_in_the_data_that_reaches_the_loss_is_named_with_its_step(rule, side):
    trace = trained_on(**{f"{side}s": np.nan, f"{side}_nonfinite": 7, "loss_nonfinite": 7})
    (found,) = rule("non-finite-inputs").run(trace)
    assert (found.locus.kind, found.locus.source.line, found.first_step) == ("data", 40, 7)
    assert f"The {side}s hold" in found.message


def test_infinite_values_that_reach_the_weights_are_found(rule):
    grown = {"weight.nonfinite": (STEPS > 7)[:, None] * np.ones(3)}
    assert len(rule("non-finite-inputs").run(trained_on(np.inf, columns=grown, input_nonfinite=7))) == 1


def test_missing_values_that_the_program_masks_are_left_alone(rule):
    assert rule("non-finite-inputs").run(trained_on(np.nan, input_nonfinite=7)) == ()


def test_data_that_the_broken_network_made_itself_is_not_the_cause(rule):
    assert rule("non-finite-inputs").run(trained_on(np.nan, input_nonfinite=9, loss_nonfinite=7)) == ()


def test_finite_data_is_not_blamed_for_a_loss_that_is_not(rule):
    assert rule("non-finite-inputs").run(trained_on(loss_nonfinite=7)) == ()


def test_a_run_that_stops_at_nan_before_its_first_step_is_judged(rule):
    crash = Crash("RuntimeError", "all elements of input should be between 0 and 1", "loss")
    trace = dataclasses.replace(
        trained_on(np.nan, run=make_run(crash=crash)), steps=STEPS[:0], scalars={}, sampled=STEPS[:0], columns={}
    )
    assert len(rule("non-finite-inputs").run(trace)) == 1


@pytest.mark.parametrize(
    ("batches", "of_inputs", "count"), [(10, 10, 1), (9, 9, 0), (2, 2, 0), (20, 10, 1), (20, 9, 0)]
)
def test_batches_that_are_passed_over_for_their_inputs_are_named_if_they_are_many(rule, batches, of_inputs, count):
    passed = PassedOver(batches, 100 - batches, of_inputs, layer=0, given=True)
    found = rule("non-finite-inputs").run(trained_on(run=make_run(passed_over=passed)))
    assert len(found) == count
    for finding in found:
        assert f"passes over {batches}% of its batches" in finding.message
        assert (finding.locus.kind, finding.locus.source.line) == ("data", 40)
