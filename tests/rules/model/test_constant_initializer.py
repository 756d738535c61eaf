import dataclasses

import numpy as np
import pytest

from deeplocalize.testing import make_layer, make_trace

SAMPLES = 20


def trained(layers=3, *, weights=(0.5, 0.5, 0.3), gradients=1.0, activation=None, shapes=(8,), learns=False, **facts):
    """`weights` are the largest weights of each layer; the smallest is 0.5, so that 0.5 stands for a constant layer."""
    layers = [make_layer(index, output_shape=shapes, **(facts if index == 0 else {})) for index in range(layers)]
    columns = {
        "weight.min": np.full(len(layers), 0.5),
        "weight.max": np.asarray(weights, float),
        "weight_gradient.rms": np.full((SAMPLES, len(layers)), gradients),
        "weight_update.rms": np.full((SAMPLES, len(layers)), gradients),
    }
    loss = np.geomspace(1, 0.01, SAMPLES) if learns else np.geomspace(1, 9, SAMPLES)
    return make_trace(layers=layers, steps=SAMPLES, scalars={"loss": loss}, columns=columns | (activation or {}))


def units(apart, examples=64, width=8):
    """Statistics of an activation whose units differ in their mean by `apart`."""
    random = np.random.default_rng(0)
    values = np.repeat(random.normal(1, 1, (examples, 1)), width, axis=1) + apart * random.normal(size=width)
    return {
        "activation.rms": np.sqrt(np.mean(values**2)),
        "activation.mean": values.mean(),
        "activation.spread": np.sqrt(values.var(axis=0).mean()),
    }


def test_constant_hidden_layers_whose_units_stay_alike_are_told_by_the_first_and_the_output_is_not(rule):
    (found,) = rule("constant-initializer").run(trained(weights=(0.5, 0.5, 0.5), activation=units(0)))
    assert (found.locus.layer, found.locus.source.line) == (0, 10)
    assert "start at 0.5 (so do those of 1 more layer)" in found.message
    (found,) = rule("constant-initializer").run(trained(weights=(0.9, 0.5, 0.5), activation=units(0)))
    assert (found.locus.layer, found.locus.source.line) == (1, 11)


def test_a_constant_layer_without_any_gradient_is_named(rule):
    found = rule("constant-initializer").run(trained(weights=(0.5, 0.9, 0.9), gradients=0))
    assert [each.locus.layer for each in found] == [0]


def test_the_line_of_the_argument_is_named_where_it_is_known(rule):
    layer = make_layer(0)
    trace = trained(weights=(0.5, 0.9, 0.9), gradients=0, sources={"kernel_initializer": layer.source})
    assert rule("constant-initializer").run(trace)[0].locus.source == layer.source


def test_units_that_part_after_the_start_are_no_fault(rule):
    assert rule("constant-initializer").run(trained(weights=(0.5, 0.9, 0.9), activation=units(0.1))) == ()


def test_units_that_part_only_after_some_steps_are_no_fault(rule):
    alike, apart = units(0), units(0.1)
    late = {
        name: np.where(np.arange(SAMPLES)[:, None] < 4, alike[name], apart[name]) * np.ones((SAMPLES, 3))
        for name in alike
    }
    assert rule("constant-initializer").run(trained(weights=(0.5, 0.9, 0.9), activation=late)) == ()


def test_a_random_layer_without_a_gradient_is_not_blamed_on_its_initializer(rule):
    assert rule("constant-initializer").run(trained(weights=(0.9, 0.9, 0.9), gradients=0)) == ()


@pytest.mark.parametrize(
    "facts",
    [{"trainable": False}, {"output_shape_of_one": True}, {"kind": "norm"}, {"order": None}],
)
def test_frozen_layers_single_units_norms_and_unused_layers_are_not_judged(rule, facts):
    shapes = (1,) if facts.pop("output_shape_of_one", False) else (8,)
    trace = trained(weights=(0.5, 0.9, 0.9), gradients=0, shapes=shapes, **facts)
    assert rule("constant-initializer").run(trace) == ()


@pytest.mark.parametrize(("behind", "accused"), [(0.5, 1), (0.9, 0)])
def test_a_constant_convolution_is_judged_by_the_layer_behind_it(rule, behind, accused):
    trace = trained(weights=(0.5, behind, 0.9), shapes=(4, 4, 8))
    failing = {**trace.scalars, "loss.nonfinite": (np.arange(SAMPLES) > 9).astype(float)}
    trace = dataclasses.replace(trace, scalars=failing)
    assert len([each for each in rule("constant-initializer").run(trace) if each.locus.layer == 0]) == accused


def test_a_few_recorded_steps_prove_nothing(rule):
    trace = make_trace(steps=4, columns={"weight.min": 0.5, "weight.max": 0.5, "weight_gradient.rms": 0.0})
    assert rule("constant-initializer").run(trace) == ()
