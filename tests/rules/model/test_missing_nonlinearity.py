import dataclasses

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.model.missing_nonlinearity import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard
from deeplocalize.trace.data import target_card
from deeplocalize.trace.schema import Head, Loss, Sample

ROWS, STEPS = 400, 400
RANDOM = np.random.default_rng(0)
POINTS = RANDOM.uniform(-1, 1, (ROWS, 2))
RINGS = (np.square(POINTS).sum(axis=1) > 0.6).astype(int)
STRIPES = (POINTS.sum(axis=1) > 0).astype(int)
LOSS = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index")


def dense(index, inputs, units, **facts):
    return make_layer(index, input_shape=(inputs,), output_shape=(units,), activation="linear", **facts)


THREE = [dense(0, 2, 16, sources={"activation": source(70)}), dense(1, 16, 16), dense(2, 16, 2)]


def trained(targets=RINGS, *, layers=THREE, linear=True, right=0.5, loss=0.68):
    """A network that is right about this share of the rows."""
    answers = np.where(RANDOM.random(ROWS) < right, targets, 1 - targets)
    steps = np.sort(np.resize(np.arange(0, STEPS, 10), ROWS))
    last = layers[-1].index
    return make_trace(
        layers=layers,
        steps=STEPS,
        scalars={"loss": loss},
        run=make_run(LOSS, Head(last, "linear", last, 2, (2,), linear=linear)),
        data=DataCard(targets=(target_card(targets),), baseline_loss=0.693, baseline_accuracy=0.5),
        sample=Sample(steps, POINTS, targets, np.eye(2)[answers]),
    )


def test_the_first_hidden_layer_is_named_with_the_line_of_its_activation():
    (found,) = check.run(trained())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("activation-hidden", 0, source(70))
    assert found.message.startswith(
        "Behind layer 0 (layer0, Dense) and 1 more hidden layer there is no nonlinearity, so that all 3 layers are one linear map"
    )


@pytest.mark.parametrize(
    "facts",
    [
        {"linear": False},
        {"right": 1.0},
        {"targets": STRIPES},  # a linear map would do: something else is wrong
        {"targets": RANDOM.integers(0, 2, ROWS)},  # nothing would do
        {"loss": np.geomspace(0.7, 0.1, STEPS)},  # it still learns
        {"layers": [dense(0, 2, 2)]},  # logistic regression
        {"layers": [dense(0, 2, 1), dense(1, 1, 2)]},  # compressed on purpose
    ],
)
def test_any_other_network_is_left_alone(facts):
    assert check.run(trained(**facts)) == ()


def test_one_hidden_layer_is_enough():
    assert len(check.run(trained(layers=[dense(0, 2, 8), dense(1, 8, 2)]))) == 1


@pytest.mark.parametrize(("limit", "count"), [({"least": 0.1}, 1), ({"least": 1.0}, 0), ({"most": 0.005}, 0)])
def test_the_gain_must_be_large(limit, count):
    assert len(list(check.check(trained(right=0.6), **limit))) == count


def test_some_wrong_labels_do_not_hide_it():
    few = RINGS.copy()
    few[RANDOM.permutation(ROWS)[:40]] ^= 1
    assert len(check.run(trained(few))) == 1


def test_a_gain_of_some_hundredths_is_none():
    bent = POINTS[:, :1] + 0.45 * np.square(POINTS[:, 1:])
    straight = trained()
    head = Head(2, "linear", 2, 1, (1,), linear=True)
    trace = dataclasses.replace(
        straight,
        run=make_run(Loss("mean-squared-error", "MSELoss", "values", "elementwise"), head),
        data=DataCard(targets=(target_card(bent),), baseline_loss=0.35),
        scalars={"loss": np.full(STEPS, 0.02)},
        sample=Sample(straight.sample.steps, POINTS, bent, POINTS[:, :1] + 0.15),
    )
    assert check.run(trace) == ()
    assert len(list(check.check(trace, least=0.01))) == 1


def test_half_of_the_error_must_go_with_a_nonlinearity():
    noisy = RINGS.copy()
    noisy[RANDOM.permutation(ROWS)[:100]] ^= 1
    assert check.run(trained(noisy, right=0.55)) == ()
    assert len(list(check.check(trained(noisy, right=0.55), most=5.0))) == 1


def test_without_a_sample_nothing_is_judged():
    assert isinstance(check.run(dataclasses.replace(trained(), sample=None)), NotEvaluated)
