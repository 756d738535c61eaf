import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.data.same_batch_every_step import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, InputCard, Sample, Source

LOADER = source(12)
ANEW = Source("train.py", 20, "x, y = next(iter(loader))")
LOOP = Source("train.py", 20, "for x, y in loader:")
STEPS = np.arange(100)


def run(digest=0.5, *, batches=40, batch=ANEW, constant=0, framework="torch", majority=np.nan, sample=None, **sources):
    card = InputCard("x", "float32", (8,), 3200, -3.0, 3.0, 0.0, 1.0, 0, False, 8, constant, (1.0, 1.0, 1.0))
    lines = {"loader": LOADER, "batch": batch} | sources
    facts = make_run(framework=framework, batches=batches, sources={what: line for what, line in lines.items() if line})
    scalars = {"input.digest": digest, "target.majority": majority}
    return make_trace(scalars=scalars, run=facts, data=DataCard(inputs=(card,)), sample=sample)


def noisy(noise=0.1):
    """The rows of eight batches that are the same but for noise."""
    generator = np.random.default_rng(2)
    inputs = np.tile(generator.normal(size=(32, 8)), (8, 1)) + noise * generator.normal(size=(256, 8))
    targets = np.tile(np.arange(32) % 4, 8)[:, None].astype(float)
    return Sample(np.repeat(np.arange(8), 32), inputs, targets, np.zeros((256, 1)))


def test_a_first_batch_asked_for_again_and_again_is_named_with_that_line():
    (finding,) = check.run(run())
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("data", None, ANEW)
    assert finding.message.startswith(
        "The same batch was trained on in 100 of 100 recorded steps, although the data set makes 40 different ones"
    )
    assert finding.remedies[0].before == "next(iter(loader))"


def test_a_data_set_that_does_not_use_its_index_is_named_with_the_line_of_the_loader():
    (finding,) = check.run(run(batch=LOOP))
    assert finding.locus.source == LOADER
    assert "index" in finding.remedies[0].text


def test_in_keras_it_is_the_line_that_made_the_data_set():
    (finding,) = check.run(run(framework="keras", loader=None, batch=None, inputs=source(15)))
    assert finding.locus.source == source(15)


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({}, 1),
        ({"sample": noisy(5.0)}, 0),  # as good as other rows
        ({"sample": None}, 0),
        ({"majority": STEPS / 100}, 0),
        ({"majority": np.where(STEPS < 18, 0.25, np.nan)}, 0),
        ({"batches": 1}, 0),
    ],
)
def test_a_batch_that_is_the_same_but_for_noise_is_found_by_its_rows(facts, count):
    found = check.run(run(STEPS / 100, **({"majority": 0.25, "sample": noisy()} | facts)))
    assert len(found) == count
    assert all("but for noise" in each.message for each in found)


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({"batches": 3}, 1),  # `several`
        ({"batches": 1}, 0),  # full-batch training
        ({"digest": np.where(STEPS < 97, 0.5, STEPS / 1000)}, 1),  # `same`
        ({"digest": np.where(STEPS < 90, 0.5, STEPS / 1000)}, 0),
        ({"digest": np.where(STEPS < 22, 0.5, np.nan)}, 1),  # `least`
        ({"digest": np.where(STEPS < 18, 0.5, np.nan)}, 0),
    ],
)
def test_each_limit_has_two_sides(facts, count):
    assert len(check.run(run(**facts))) == count


@pytest.mark.parametrize(
    "facts",
    [
        {"digest": STEPS % 3 / 3},  # three batches, one after the other
        {"batches": None},  # nobody says how large the data set is
        {"batch": None},  # a library takes the batches, and was asked to repeat one
        {"constant": 8},  # all batches are the same numbers
    ],
)
def test_any_other_run_is_left_alone(facts):
    assert check.run(run(**facts)) == ()


def test_without_digests_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
