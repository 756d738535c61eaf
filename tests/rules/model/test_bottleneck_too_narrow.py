import dataclasses
import itertools

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.model.bottleneck_too_narrow import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard
from deeplocalize.trace.data import target_card
from deeplocalize.trace.schema import Head, Loss, Sample

ROWS, STEPS, CLASSES = 400, 400, 8
RANDOM = np.random.default_rng(0)
LABELS = np.resize(np.arange(CLASSES), ROWS)
INPUTS = RANDOM.normal(size=(ROWS, 8)) + 5 * np.eye(CLASSES)[LABELS]
LOSS = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index")


def layers(*widths, **facts):
    return [
        make_layer(
            at,
            input_shape=(before,),
            output_shape=(after,),
            sources={"out_features": source(70 + at)},
            **(facts if at == 1 else {}),
        )
        for at, (before, after) in enumerate(itertools.pairwise(widths))
    ]


def trained(*widths, of=None, labels=LABELS, right=0.2, loss=1.5, units=CLASSES):
    """A network of these widths that is right about this share of the rows; `of` are its layers."""
    of = layers(*widths) if of is None else of
    answers = np.where(RANDOM.random(ROWS) < right, labels, (labels + 1) % CLASSES)
    steps = np.sort(np.resize(np.arange(0, STEPS, 10), ROWS))
    last = len(of) - 1
    return make_trace(
        layers=of,
        steps=STEPS,
        scalars={"loss": loss},
        run=make_run(LOSS, Head(last, "linear", last, units, (units,))),
        data=DataCard(targets=(target_card(labels),), baseline_loss=2.08, baseline_accuracy=1 / CLASSES),
        sample=Sample(steps, INPUTS, labels, np.eye(CLASSES)[answers]),
    )


def test_the_narrow_layer_is_named_with_the_line_of_its_units():
    (found,) = check.run(trained(8, 32, 1, 32, 8))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("layer-width", 1, source(71))
    assert "passes through the 1 unit of layer 1 (layer1, Dense), which is given 32 values" in found.message
    assert (found.remedies[0].before, found.remedies[0].after) == ("1", "32")


@pytest.mark.parametrize(("width", "count"), [(1, 1), (2, 1), (3, 0), (16, 0)])
def test_one_or_two_units_are_a_bottleneck(width, count):
    assert len(check.run(trained(8, 32, width, 8))) == count


@pytest.mark.parametrize(("before", "count"), [(7, 0), (8, 1), (64, 1)])
def test_it_must_be_much_narrower_than_what_it_is_given(before, count):
    assert len(check.run(trained(8, before, 2, 8))) == count


@pytest.mark.parametrize(("right", "count"), [(0.2, 1), (0.75, 1), (0.9, 0), (1.0, 0)])
def test_the_neighbors_must_answer_a_fifth_better(right, count):
    assert len(check.run(trained(8, 32, 2, 8, right=right))) == count


def test_a_fiftieth_is_enough_if_asked_for():
    assert len(list(check.check(trained(8, 32, 2, 8, right=0.9), least=0.02))) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"of": layers(8, 32, 1, 8, kind="attention")},
        {"of": layers(8, 32, 1, 8, trainable=False)},  # an adapter
        {"of": [*layers(8, 32, 1), make_layer(2, input_shape=(32,), output_shape=(8,))]},  # a gate
        {"labels": RANDOM.integers(0, CLASSES, ROWS)},
        {"loss": np.geomspace(2.0, 0.3, STEPS)},
        {"units": 3},  # a plane, or a line, holds three classes
    ],
)
def test_any_other_network_is_left_alone(facts):
    facts = {"of": layers(8, 32, 2, 8)} | facts
    assert check.run(trained(**facts)) == ()


def test_without_a_sample_nothing_is_judged():
    assert isinstance(check.run(dataclasses.replace(trained(8, 32, 1, 8), sample=None)), NotEvaluated)
