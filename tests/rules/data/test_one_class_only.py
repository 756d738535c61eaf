import dataclasses

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.data.one_class_only import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, Head, Loss, Objective, Source, TargetCard

TARGETS = source(12)
LAYERS = [make_layer(0), make_layer(1), make_layer(2, output_shape=(10,))]
BINARY = Loss("binary-cross-entropy", "BCEWithLogitsLoss", "logits", "elementwise")


def run(labels=4000, *, examples=None, others=0, layers=LAYERS, units=10, loss=None, targets=TARGETS, **scalars):
    counts = ((0, labels), (1, others)) if others else ((0, labels),)
    card = TargetCard("int64", (), labels, "binary", 0.0, 0.0, 0.0, 0.0, 0, counts)
    loss = loss or Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index", source=source(30))
    facts = make_run(loss, Head(layer=2, units=units, shape=(units,)), examples=examples, sources={"targets": targets})
    scalars = {"target.majority": 1.0} | scalars
    return make_trace(layers=layers, scalars=scalars, run=facts, data=DataCard(targets=(card,), baseline_accuracy=1.0))


def found(trace):
    answer = check.run(trace)
    return [] if isinstance(answer, NotEvaluated) else list(answer)


def test_labels_of_one_class_are_named_with_the_line_that_made_them():
    (finding,) = check.run(run())
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("data", None, TARGETS)
    assert finding.message == "All 4,000 labels seen are 0: there is nothing to tell apart."


@pytest.mark.parametrize(("low", "high", "count"), [(0.0, 0.0, 1), (1.0, 1.0, 1), (0.0, 1.0, 0)])
def test_several_questions_with_one_answer_are_the_same(low, high, count):
    card = TargetCard("float32", (12,), 4000, "multi-hot", low, high, low, 0.0, 0, ((0, 0),))
    facts = make_run(BINARY, Head(layer=2, units=12, shape=(12,)), sources={"targets": TARGETS})
    assert len(found(make_trace(layers=LAYERS, run=facts, data=DataCard(targets=(card,))))) == count


def test_yes_or_no_from_one_unit_needs_both_answers_too():
    layers = [*LAYERS[:2], make_layer(2, output_shape=(1,))]
    assert len(found(run(units=1, layers=layers, loss=BINARY))) == 1


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({"labels": 3500}, 1),  # `many`
        ({"labels": 2500}, 0),
        ({"labels": 1600, "examples": 500}, 1),  # `times`
        ({"labels": 1400, "examples": 500}, 0),
        ({"labels": 120, "examples": 20}, 1),  # `least`
        ({"labels": 80, "examples": 20}, 0),
    ],
)
def test_each_limit_has_two_sides(facts, count):
    assert len(found(run(**facts))) == count


@pytest.mark.parametrize(
    "facts",
    [
        {"others": 3},
        {"target.majority": np.where(np.arange(100) == 3, 0.9, 1.0)},  # another class, in a batch that is gone
        {"other_steps": 1.0},  # the generator of two players
        {"backwards": 2.0},
        {"layers": [*LAYERS[:2], make_layer(2, output_shape=(64,))]},  # similarities: the first is the right one
        {"loss": Loss("mean-squared-error", "MSELoss")},
        {"loss": Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index", weighted=True)},
        {"units": 1, "layers": [*LAYERS[:2], make_layer(2, output_shape=(1,))]},  # one unit is no class of several
        {"targets": Source("train.py", 12, "labels = torch.zeros(len(x), dtype=torch.long)")},
    ],
)
def test_any_other_run_is_left_alone(facts):
    assert found(run(**facts)) == []


def test_two_losses_may_have_one_class_each():
    trace = run()
    (objective,) = trace.run.objectives
    both = dataclasses.replace(trace.run, objectives=(objective, Objective(BINARY)))
    assert found(dataclasses.replace(trace, run=both)) == []


def test_without_labels_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
