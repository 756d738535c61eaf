import numpy as np
import pytest

from deeplocalize.testing import make_layer, make_trace
from deeplocalize.trace.cards import DataCard
from deeplocalize.trace.data import InputCollector, target_card

RANDOM = np.random.default_rng(0)
GRAY = RANDOM.integers(0, 256, (64, 100))
YEARS = RANDOM.normal(2000, 5, (64, 3))
LARGE_SUMS = {"activation.rms": 60, "activation.spread": 40}
ALIKE = {"activation.rms": 5, "activation.spread": 0.1}


def trained_on(inputs, columns, *, learns=False, loss=1.0, kinds=("dense", "dense"), steps=300, more=()):
    cards = []
    for rows in (inputs, *more):
        collector = InputCollector("x")
        collector.add(rows)
        cards.append(collector.card())
    data = DataCard(tuple(cards), (target_card(np.arange(64) % 2),), baseline_loss=1.0)
    layers = [make_layer(index, kind) for index, kind in enumerate(kinds)]
    loss = np.geomspace(1, 0.01, steps) if learns else loss
    return make_trace(layers=layers, steps=steps, scalars={"loss": loss}, columns=columns, data=data)


def test_raw_gray_values_that_keep_a_network_from_learning_are_named(rule):
    (found,) = rule("inputs-not-scaled").run(trained_on(GRAY, LARGE_SUMS))
    assert (found.locus.kind, found.locus.source.line) == ("input-scaling", 40)
    assert found.remedies[0].after == "x / 255"


def test_features_far_from_zero_that_vary_little_are_named(rule):
    (found,) = rule("inputs-not-scaled").run(trained_on(YEARS, ALIKE))
    assert found.remedies[0].after == "(x - mean) / std"
    assert found.evidence[1].observed == pytest.approx(0.02)


@pytest.mark.parametrize(("inputs", "accused"), [(YEARS, 1), (GRAY, 0)])
def test_batches_of_one_example_are_judged_by_the_variation_of_the_inputs(rule, inputs, accused):
    found = rule("inputs-not-scaled").run(trained_on(inputs, {"activation.rms": 5}))
    assert len(found) == accused
    if found:
        assert found[0].evidence[1].observed == pytest.approx(5 / 2000, rel=0.2)


@pytest.mark.parametrize(("loss", "accused"), [(6.0, 1), (1.0, 0), (np.linspace(9, 6, 40), 0)])
def test_in_a_short_run_the_loss_must_be_stuck_far_above_a_constant_answers(rule, loss, accused):
    found = rule("inputs-not-scaled").run(trained_on(GRAY, LARGE_SUMS, loss=loss, steps=40))
    assert (len(found) if isinstance(found, tuple) else 0) == accused


def test_a_first_layer_in_saturation_is_evidence(rule):
    saturated = {"preactivation.rms": 9, "activation.rms": 1, "activation.spread": 0.9, "activation.saturated": 0.8}
    assert len(rule("inputs-not-scaled").run(trained_on(GRAY, saturated))) == 1


def test_a_network_that_learns_from_raw_data_is_left_alone(rule):
    assert rule("inputs-not-scaled").run(trained_on(GRAY, LARGE_SUMS, learns=True)) == ()


@pytest.mark.parametrize(
    "kinds",
    [
        ("batch-norm", "dense", "dense"),
        ("rescaling", "conv", "dense"),
        ("embedding", "recurrent", "dense"),
        ("dense", "norm", "dense"),
    ],
)
def test_a_layer_that_normalizes_or_looks_up_at_the_entrance_is_enough(rule, kinds):
    assert rule("inputs-not-scaled").run(trained_on(GRAY, LARGE_SUMS, kinds=kinds)) == ()


def test_a_normalization_deep_inside_is_not(rule):
    trace = trained_on(GRAY, LARGE_SUMS, kinds=("dense", "dense", "norm", "dense"))
    assert len(rule("inputs-not-scaled").run(trace)) == 1


def test_with_several_inputs_it_is_not_known_which_one_is_normalized(rule):
    trace = trained_on(GRAY, LARGE_SUMS, kinds=("dense", "dense", "norm", "dense"), more=(YEARS,))
    assert rule("inputs-not-scaled").run(trace) == ()


def test_inputs_scaled_inside_the_program_do_not_reach_the_first_layer_large(rule):
    small = {"activation.rms": 0.6, "activation.spread": 0.4}
    assert rule("inputs-not-scaled").run(trained_on(GRAY, small)) == ()


def test_normalized_inputs_are_not_blamed_for_large_weights(rule):
    assert rule("inputs-not-scaled").run(trained_on(RANDOM.normal(size=(64, 5)), LARGE_SUMS)) == ()


def test_a_short_run_is_not_judged(rule):
    assert "cannot be told yet" in rule("inputs-not-scaled").run(trained_on(GRAY, LARGE_SUMS, steps=30)).why


@pytest.mark.parametrize(
    "columns",
    [
        {"preactivation.rms": 9, "activation.rms": 1, "activation.spread": 0.9, "activation.saturated": 0.3},
        {"activation.rms": 5, "activation.spread": 1.0},
    ],
)
def test_a_few_saturated_units_or_outputs_that_vary_a_little_less_are_no_effect(rule, columns):
    assert rule("inputs-not-scaled").run(trained_on(GRAY, columns)) == ()


def test_a_loss_that_is_stuck_far_up_for_ten_steps_says_nothing_yet(rule):
    assert "cannot be told yet" in rule("inputs-not-scaled").run(trained_on(GRAY, LARGE_SUMS, loss=6.0, steps=10)).why
