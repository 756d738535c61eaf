import dataclasses
import itertools

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.model.network_too_small import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, Optimizer
from deeplocalize.trace.data import target_card
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Head, Loss, Sample

ROWS, STEPS, CLASSES = 400, 400, 4
RANDOM = np.random.default_rng(0)
LABELS = np.resize(np.arange(CLASSES), ROWS)
INPUTS = RANDOM.normal(size=(ROWS, 4)) + 6 * np.eye(CLASSES)[LABELS]
LOSS = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index")


def layers(*widths, **facts):
    return [
        make_layer(
            at,
            input_shape=(before,),
            output_shape=(after,),
            sources={"out_features": source(70 + at)},
            **(facts if at == 0 else {}),
        )
        for at, (before, after) in enumerate(itertools.pairwise(widths))
    ]


def trained(*widths, of=None, right=0.5, noise=0.0, loss=0.8, head=None, linear=False, update=0.01, **facts):
    """A network of these widths that is right about a share of the rows; `noise` is the share of the labels that are chance."""
    of = layers(*widths) if of is None else of
    labels = np.where(RANDOM.random(ROWS) < noise, RANDOM.integers(CLASSES, size=ROWS), LABELS)
    answers = np.where(RANDOM.random(ROWS) < right, labels, (labels + 1) % CLASSES)
    last = len(of) - 1 if head is None else head
    return make_trace(
        layers=of,
        steps=STEPS,
        scalars={"loss": loss},
        columns={"weight.rms": 0.5, "weight_update.rms": update, "weight_gradient.rms": 0.01},
        run=make_run(LOSS, Head(last, "linear", last, CLASSES, (CLASSES,), linear=linear), **facts),
        data=DataCard(targets=(target_card(labels),), baseline_loss=1.39, baseline_accuracy=1 / CLASSES),
        sample=Sample(np.sort(np.resize(np.arange(0, STEPS, 10), ROWS)), INPUTS, labels, np.eye(CLASSES)[answers]),
    )


def test_the_narrowest_layer_is_named_with_the_line_of_its_units():
    (found,) = check.run(trained(4, 4, 3, 4))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("layer-width", 1, source(71))
    assert found.message.startswith("The network is too small: with 3 units in layer 1 (layer1, Dense) its error")
    assert (found.remedies[0].before, found.remedies[0].after) == ("3", "32")
    assert found.remedies[0].intervention.target == "layer 1"


@pytest.mark.parametrize(("width", "count"), [(1, 1), (6, 1), (7, 0), (64, 0)])
def test_a_handful_of_units_is_small(width, count):
    assert len(check.run(trained(4, width, 4))) == count


def test_the_widest_layer_counts():
    assert check.run(trained(4, 2, 32, 4)) == ()


@pytest.mark.parametrize(("right", "count"), [(0.5, 1), (0.75, 1), (0.9, 0), (1.0, 0)])
def test_what_the_data_allow_must_be_much_better(right, count):
    assert len(check.run(trained(4, 3, 4, right=right))) == count


def test_where_the_labels_are_mostly_chance_nothing_does_better():
    assert check.run(trained(4, 3, 4, noise=0.7, right=0.3)) == ()


@pytest.mark.parametrize(("noise", "right", "count"), [(0.2, 0.5, 1), (0.6, 0.3, 0)])
def test_noise_must_not_be_most_of_what_the_network_gets_wrong(noise, right, count):
    assert len(check.run(trained(4, 3, 4, noise=noise, right=right))) == count


@pytest.mark.parametrize(("update", "count"), [(0.002, 0), (0.003, 1)])
def test_weights_that_hardly_moved_had_no_chance(update, count):
    assert len(check.run(trained(4, 3, 4, update=update))) == count


@pytest.mark.parametrize(("fall", "count"), [(0.01, 1), (0.05, 1), (0.2, 1), (0.3, 0)])
def test_a_loss_that_still_falls_may_get_there(fall, count):
    loss = np.r_[np.full(300, 0.8), np.full(100, 0.8 * (1 - fall))]
    assert len(check.run(trained(4, 3, 4, loss=loss))) == count


@pytest.mark.parametrize(
    "facts",
    [
        {"of": layers(4, 4)},
        {"of": layers(4, 3, 4, trainable=False)},
        {"of": layers(4, 3, 4), "linear": True},
        {"of": layers(4, 3, 4, kind="recurrent")},
        {"of": [*layers(4, 3, 4), make_layer(2, "dropout", settings={"rate": 0.2}, parameters=0)]},
        {"of": layers(4, 3, 4), "head": 0},
        {"of": layers(4, 3, 4), "optimizer": Optimizer("adamw", "AdamW", {"weight_decay": 0.2})},
    ],
    ids=["no hidden layer", "frozen", "linear", "recurrent", "dropout", "more behind the head", "decay"],
)
def test_any_other_network_is_left_alone(facts):
    facts = {"head": 1 if len(facts["of"]) > 1 else 0} | facts
    assert check.run(trained(**facts)) == ()


@pytest.mark.parametrize(("decay", "count"), [(0.0, 1), (0.01, 1), (0.02, 0)])
def test_a_usual_decay_restrains_nobody(decay, count):
    optimizer = Optimizer("adamw", "AdamW", {"learning_rate": 0.001, "weight_decay": decay})
    assert len(check.run(trained(4, 3, 4, optimizer=optimizer))) == count


def test_without_rows_there_is_nothing_to_compare():
    assert isinstance(check.run(make_trace(layers=layers(4, 3, 4))), NotEvaluated)


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({}, 1),
        ({"width": 6}, 1),
        ({"width": 7}, 0),
        ({"loss": 0.2}, 0),  # what is left of it learns
        ({"at_first": 1.0}, 0),  # born dead: that is the initializer's
        ({"at_last": 0.5}, 0),
    ],
)
def test_a_handful_of_units_of_which_none_is_alive_any_more_is_small_too(facts, count):
    facts = {"width": 2, "loss": 1.39, "at_first": 0.0, "at_last": 1.0} | facts
    dead = np.where(np.arange(STEPS) < 30, facts["at_first"], facts["at_last"])[:, None] * [1, 0]
    made = trained(4, facts["width"], 4, right=0.25, loss=facts["loss"])
    trace = dataclasses.replace(
        made, columns={**made.columns, Series("activation", "dead"): np.broadcast_to(dead, (STEPS, 2))}
    )
    found = [each for each in check.run(trace) if "none is alive" in each.message]
    assert len(found) == count
    if count:
        assert (found[0].locus.kind, found[0].locus.layer, found[0].locus.source) == ("layer-width", 0, source(70))
        assert found[0].first_step == 30
