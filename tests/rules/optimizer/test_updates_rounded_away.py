import math

import numpy as np
import pytest

from deeplocalize.rules.optimizer.updates_rounded_away import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, Optimizer

BASELINE = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)


def run(
    still=0.95,
    idle=0.0,
    *,
    kind="adamw",
    rate=1e-3,
    gradient=0.05,
    dtype="bfloat16",
    loss=2.3,
    framework="torch",
    sources=None,
    lines=None,
    **columns,
):
    """200 steps of a network with weights of size 1 that stays at the constant answer's loss."""
    optimizer = Optimizer(kind, kind, {"learning_rate": rate}, source=source(31))
    made = make_run(optimizer=optimizer, framework=framework)
    return make_trace(
        layers=[make_layer(at, dtype=dtype, sources=lines or {}) for at in range(3)],
        steps=200,
        scalars={"loss": loss, "learning_rate": rate},
        columns={
            "weight.rms": 1.0,
            "weight_gradient.rms": gradient,
            "weight_gradient.zeros": idle,
            "weight_update.zeros": still,
            **columns,
        },
        data=BASELINE,
        run=make_run(optimizer=optimizer, framework=framework, sources=made.sources | (sources or {})),
    )


def test_weights_of_16_bits_that_do_not_move_although_they_have_a_gradient():
    (finding,) = check.run(run(sources={"dtype": source(8)}))
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("optimizer", None, source(8))
    assert finding.evidence[0].observed == pytest.approx(0.95)
    assert finding.evidence[1].observed == pytest.approx(0.2)
    assert "95%" in finding.message and "bfloat16" in finding.message
    assert "autocast" in finding.remedies[0].text


def test_without_the_line_of_the_conversion_that_of_the_optimizer_is_shown():
    assert check.run(run())[0].locus.source == source(31)


def test_in_keras_the_argument_of_the_layer_or_the_policy_is_shown():
    (finding,) = check.run(run(framework="keras", lines={"dtype": source(12)}))
    assert finding.locus.source == source(12)
    assert finding.remedies[0].after == 'set_dtype_policy("mixed_bfloat16")'


@pytest.mark.parametrize(("dtype", "count"), [("float16", 1), ("float32", 0), ("float64", 0), (None, 0)])
def test_weights_of_32_bits_are_not_rounded_away(dtype, count):
    assert len(check.run(run(dtype=dtype))) == count


@pytest.mark.parametrize(("still", "count"), [(0.52, 1), (0.48, 0), (0.04, 0)])
def test_most_of_them_must_stand_still(still, count):
    assert len(check.run(run(still))) == count


@pytest.mark.parametrize(("idle", "count"), [(0.95, 0), (0.85, 1), (1.0, 0)])
def test_elements_without_a_gradient_do_not_count(idle, count):
    assert len(check.run(run(0.95, idle))) == count


def test_a_network_that_learns_well_is_not_accused():
    assert check.run(run(loss=np.geomspace(2.3, 0.2, 200))) == ()


@pytest.mark.parametrize(("rate", "count"), [(1e-3, 1), (6e-4, 1), (4e-4, 0), (6e-5, 0)])
def test_a_rate_that_would_move_nothing_even_unrounded_is_another_fault(rate, count):
    assert len(check.run(run(rate=rate))) == count


@pytest.mark.parametrize(("gradient", "count"), [(0.05, 1), (0.005, 0)])
def test_sgd_asks_for_the_rate_times_the_gradient(gradient, count):
    assert len(check.run(run(kind="sgd", rate=0.02, gradient=gradient))) == count


def test_of_an_optimizer_that_is_not_known_nothing_is_said():
    assert check.run(run(kind="adamw8bit")) == ()


def test_steps_with_a_rate_of_zero_do_not_count():
    rate = np.where(np.arange(200) < 150, 0.0, 1.0)
    still = np.where(np.arange(200) < 150, 1.0, 0.1)[:, None]
    assert check.run(run(still, rate=rate)) == ()


def test_a_loss_that_is_not_finite_is_another_fault():
    trace = run()
    trace.scalars["loss.nonfinite"] = np.ones(200)
    assert check.run(trace) == ()


@pytest.mark.parametrize(
    ("loss", "says", "count"), [(1.9, True, 1), (1.9, False, 0), (np.geomspace(2.2, 0.6, 200), True, 0)]
)
def test_a_loss_that_stays_far_from_what_the_inputs_allow_is_harm_too(told, loss, says, count):
    assert len(check.run(told(run(loss=loss), says=says))) == count


@pytest.mark.parametrize(("right", "count"), [(0.5, 1), (0.6, 0)])
def test_validation_data_decide_where_there_are_any(told, right, count):
    assert len(check.run(told(run(loss=1.9), right))) == count
