import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.data.batches_of_one_class import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Loss, TargetCard

LOADER, INPUTS = source(18), source(12)
STEPS = np.arange(600)
FORGETTING = np.where(STEPS % 20 < 3, 4.0, 0.1)  # each twentieth step another class begins


def card(share=0.1, shape=(), encoding="class-index"):
    counts = ((0, round(1000 * share)), (1, round(1000 * (1 - share) / 2)), (2, round(1000 * (1 - share) / 2)))
    return TargetCard("int64", shape, 1000, encoding, 0.0, 2.0, 1.0, 0.8, 0, counts)


def run(majority=1.0, loss=FORGETTING, *, target=None, batch=32, sources=None, shuffled=False, facts=None, **scalars):
    facts = {"sources": sources or {"loader": LOADER, "inputs": INPUTS}, "shuffled": shuffled} | (facts or {})
    return make_trace(
        steps=600,
        scalars={"loss": loss, "target.majority": majority, "batch_size": batch, **scalars},
        run=make_run(**facts),
        data=DataCard(targets=(target or card(),), baseline_loss=1.1, baseline_accuracy=0.45),
    )


def found(trace):
    answer = check.run(trace)
    return [] if isinstance(answer, NotEvaluated) else list(answer)


def test_batches_of_one_class_are_named_with_the_line_of_the_loader():
    (finding,) = check.run(run())
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("data", None, LOADER)
    assert finding.message == (
        "In 100% of the recorded steps the batch holds only one class, while the most frequent class has 45% of all labels: "
        "the examples come sorted by class."
    )
    assert finding.remedies[0].after == "shuffle=True"


def test_without_a_loader_it_is_the_line_that_made_the_inputs():
    (finding,) = check.run(run(sources={"inputs": INPUTS}))
    assert finding.locus.source == INPUTS
    assert finding.remedies[0].after == "torch.randperm(len(x))"


@pytest.mark.parametrize(
    ("shuffled", "after"), [(False, "shuffle=True"), (None, ".shuffle(number of examples)")], ids=["arrays", "dataset"]
)
def test_in_keras_it_depends_on_who_is_in_charge_of_the_order(shuffled, after):
    (finding,) = check.run(run(shuffled=shuffled, facts={"framework": "keras"}))
    assert finding.remedies[0].after == after


def test_a_run_that_never_learns_is_harmed_too():
    (finding,) = check.run(run(loss=1.1))
    assert finding.evidence[1].relation == ">="


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({"majority": np.where(STEPS % 10 < 6, 1.0, 0.5)}, 1),  # `pure`
        ({"majority": np.where(STEPS % 10 < 4, 1.0, 0.5)}, 0),
        ({"majority": np.where(STEPS < 12, 1.0, np.nan)}, 1),  # `least`
        ({"majority": np.where(STEPS < 8, 1.0, np.nan)}, 0),
        ({"majority": 0.75}, 1),  # `way`: the most frequent class has 0.45
        ({"majority": 0.7}, 0),
        ({"validation.loss": 0.5, "loss": np.where(STEPS % 4 == 0, 4.0, 0.1)}, 1),  # `often`
        ({"validation.loss": 0.5, "loss": np.where(STEPS % 10 == 0, 4.0, 0.1)}, 0),
        ({"batch": 10}, 1),  # `batch`
        ({"batch": 6}, 0),
        ({"target": card(0.65)}, 1),  # `common`
        ({"target": card(0.8)}, 0),
        ({"loss": np.where(STEPS % 50 == 0, 4.0, 0.1)}, 1),  # `forgets`
        ({"loss": np.where(STEPS % 120 == 0, 4.0, 0.1)}, 0),
    ],
)
def test_each_limit_has_two_sides(facts, count):
    assert len(found(run(**facts))) == count


@pytest.mark.parametrize(
    "facts",
    [
        {"loss": np.geomspace(1.1, 0.01, 600)},  # it learns all the same
        {"loss": np.where(STEPS < 150, FORGETTING, 0.1)},  # it forgot at the beginning only
        {"validation.loss": 0.3},  # what it learns holds for other data
        {"shuffled": True},
        {"other_steps": STEPS % 2},  # the discriminator of two players: real, generated, real, ...
        {"backwards": 2.0},
        {"target": card(shape=(40,))},  # a label for each position
        {"target": card(encoding="continuous")},
        {"facts": {"objectives": make_run(Loss("mean-squared-error", "MSELoss", "values", "elementwise")).objectives}},
    ],
)
def test_any_other_run_is_left_alone(facts):
    assert found(run(**facts)) == []


def test_without_labels_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
