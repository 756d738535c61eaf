import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.model.initial_answers_too_large import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, Loss, TargetCard

STEPS = 200
SQUARES = Loss("mean-squared-error", "MSELoss", "values", "elementwise")
LOGITS = Loss("binary-cross-entropy", "BCEWithLogitsLoss", "logits", "elementwise")
RATINGS = TargetCard("float32", (), 5000, "continuous", minimum=1.0, maximum=5.0, mean=3.0, std=0.5, nonfinite=0)
STILL = np.geomspace(30.0, 3.0, STEPS)


def tables(*widths):
    return [make_layer(at, kind="embedding", output_shape=(width,)) for at, width in enumerate(widths)]


def run(apart=4.0, loss=STILL, *, layers=None, what=SQUARES, steps=STEPS, baseline=1.0, **scalars):
    """Ratings with a standard deviation of 0.5, and products of embeddings that begin `apart` from each other."""
    spread = np.full(steps, np.nan)
    spread[0] = apart
    return make_trace(
        layers=layers or tables(1, 64, 64),
        steps=steps,
        scalars={"loss": loss, "batch_size": 64, "prediction.spread": spread, **scalars},
        columns={"weight.rms": 1.0},
        data=DataCard(baseline_loss=baseline, baseline_accuracy=0.5, targets=(RATINGS,)),
        run=make_run(loss=what),
    )


def by_epoch(values):
    found = np.full(STEPS, np.nan)
    found[9::20] = values
    return found


def test_embeddings_that_begin_too_large_are_named_by_the_widest_with_a_better_size():
    (found,) = check.run(run())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("initializer", 1, source(11))
    assert found.evidence[0].observed == 8
    assert "8 times as far apart as the targets" in found.message
    assert (found.remedies[0].before, found.remedies[0].after) == ("a standard deviation of 1", "0.1")


@pytest.mark.parametrize(("apart", "count"), [(1.1, 1), (0.9, 0), (0.1, 0)])
def test_answers_about_as_far_apart_as_the_targets_are_no_fault(apart, count):
    assert len(check.run(run(apart))) == count


@pytest.mark.parametrize(("apart", "count"), [(2.2, 1), (1.8, 0)])
def test_logits_are_far_apart_by_themselves(apart, count):
    found = check.run(run(apart, what=LOGITS))
    assert len(found) == count
    assert all("logits of 1" in each.message for each in found)


def test_a_network_that_gets_over_it_is_not_accused():
    assert check.run(run(loss=np.geomspace(30.0, 0.2, STEPS))) == ()


@pytest.mark.parametrize(("end", "count"), [(1.3, 1), (1.05, 0), (0.5, 0)])
def test_unless_it_never_was_better_than_a_constant_on_other_data(end, count):
    elsewhere = by_epoch(np.linspace(20.0, end, 10))
    trace = run(loss=np.geomspace(30.0, 0.2, STEPS), **{"validation.loss": elsewhere})
    found = check.run(trace)
    assert len(found) == count
    assert all("On validation data" in each.message for each in found)


def test_a_network_with_other_weights_is_not_judged():
    assert check.run(run(layers=[*tables(64, 64), make_layer(2)])) == ()


def test_a_short_run_is_not_judged():
    assert check.run(run(loss=30.0, steps=60)) == ()


def test_adversaries_are_not_judged():
    assert check.run(run(other_steps=1.0)) == ()


def test_without_a_constant_to_compare_with_nothing_is_said():
    assert isinstance(check.run(run(baseline=None)), NotEvaluated)
