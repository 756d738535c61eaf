import math
from dataclasses import replace

import numpy as np
import pytest

from deeplocalize.rules.gradient.exploding_gradient import check
from deeplocalize.testing import make_layer, make_trace, source
from deeplocalize.trace import DataCard, InputCard

BASELINE = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)


def run(gradients=(1.0, 1.0, 1.0, 1.0), norms=1.0, loss=2.31, *, steps=200, **scalars):
    layers = [make_layer(at, sources={"kernel_initializer": source(90 + at)}) for at in range(len(gradients))]
    return make_trace(
        layers=layers,
        steps=steps,
        scalars={"loss": loss, "gradient_norm": norms} | scalars,
        columns={"activation_gradient.rms": gradients},
        data=BASELINE,
    )


def jumping(steps=200):
    return np.where(np.arange(steps) < 120, 1.0, 1e4)


def test_initial_weights_that_multiply_the_gradient_are_blamed_on_their_initializer():
    (finding,) = check.run(run([1e6, 1e5, 1.0, 1.0]))
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("initializer", 2, source(92))
    assert "before the first step" in finding.message.lower()


def test_a_gradient_that_jumps_is_to_be_clipped():
    (finding,) = check.run(run(norms=jumping()))
    assert (finding.locus.kind, finding.first_step) == ("optimizer", 120)
    assert finding.remedies[0].intervention.value == 10


def test_a_gradient_that_grows_slowly_follows_the_loss():
    assert check.run(run(norms=np.geomspace(1, 1e6, 200), loss=np.geomspace(2.3, 1e6, 200))) == ()


def recurrent(output, before=1.0, **facts):
    kinds = ("embedding", "recurrent", "dense")
    layers = [make_layer(at, kind) for at, kind in enumerate(kinds)]
    columns = {"activation.rms": [before, output, 1.0]}
    return make_trace(layers=layers, steps=200, scalars={"loss": 2.31} | facts, columns=columns, data=BASELINE)


def test_recurrent_weights_that_multiply_from_position_to_position_are_blamed_on_their_initializer():
    (finding,) = check.run(recurrent(1e6))
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("initializer", 1, source(11))


def test_a_recurrent_layer_at_the_input_is_compared_with_the_data():
    card = InputCard("x", "float32", (60, 2), 32, 0.0, 1.0, 0.3, 0.4, 0, False, 120, 0, None)
    layers = [make_layer(0, "recurrent"), make_layer(1)]
    data = replace(BASELINE, inputs=(card,))
    trace = make_trace(
        layers=layers, steps=200, scalars={"loss": 2.31}, columns={"activation.rms": [1e8, 1.0]}, data=data
    )
    assert check.run(trace)[0].evidence[0].observed == pytest.approx(2e8)


def test_a_gradient_and_an_output_somewhat_past_their_limits_are_named():
    assert check.run(run([300.0, 10.0, 1.0, 1.0]))[0].locus.kind == "initializer"
    assert check.run(recurrent(3000.0))[0].locus.layer == 1


@pytest.mark.parametrize("output", [1.0, 100.0, 500.0])
def test_a_recurrent_layer_that_hands_on_about_what_it_gets_is_left_alone(output):
    assert check.run(recurrent(output)) == ()
    assert check.run(recurrent(1e6, loss=np.geomspace(2.3, 0.1, 200))) == ()


def test_a_gradient_that_overflowed_is_judged_by_what_was_finite():
    late = np.arange(200) > 150
    norms, loss = np.where(late, np.nan, jumping()), np.where(late, np.nan, 2.3)
    assert len(check.run(run(norms=norms, loss=loss, **{"loss.nonfinite": late}))) == 1


def test_a_clipped_run_that_learns_well_is_not_accused():
    fine = np.geomspace(2.3, 0.1, 200)
    assert check.run(run([1e6, 1e3, 1.0, 1.0], jumping(), fine)) == ()


def test_a_spike_of_fifty_times_is_common():
    norms = np.ones(200)
    norms[100] = 50
    assert check.run(run(norms=norms)) == ()


def test_gradients_that_are_large_from_the_start_are_not_exploding():
    assert check.run(run([1e6, 1e6, 1e6, 1e6], 1e6)) == ()


def test_nothing_recorded_is_no_explosion():
    assert check.run(run([np.nan] * 4, np.nan)) == ()
