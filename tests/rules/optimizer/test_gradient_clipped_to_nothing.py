import numpy as np
import pytest

from deeplocalize.rules.optimizer.gradient_clipped_to_nothing import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Optimizer

BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)


def run(clipped=1e-3, update=1e-5, *, steps=1000, loss=2.3, kind="sgd", sources=None, settings=None, **scalars):
    lines = {"clipnorm": source(33)} if settings else {}
    optimizer = Optimizer(kind, kind.upper(), settings or {}, source=source(31), sources=lines)
    facts = make_run(optimizer=optimizer, sources=sources or {"clip": source(45)})
    columns = {"weight.rms": 1.0, "weight_update.rms": update, "weight_gradient.rms": 1.0}
    scalars |= {"loss": loss} | ({"clipped": clipped} if clipped is not None else {})
    return make_trace(steps=steps, scalars=scalars, columns=columns, data=BASELINE, run=facts)


def test_a_limit_that_leaves_nothing_is_named_with_the_line_that_clips():
    (found,) = check.run(run())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("optimizer", None, source(45))
    assert found.message.startswith("Clipping leaves 0.001 of the gradient in a typical step")
    assert "about 1,000 times" in found.remedies[0].text


def test_in_keras_the_optimizer_clips_and_its_argument_is_named():
    facts = {"clipped": None, "sources": {"compile": source(35)}, "settings": {"clipnorm": 1e-3}}
    (found,) = check.run(run(**facts))
    assert found.locus.source == source(33)


@pytest.mark.parametrize(("norm", "count"), [(100.0, 1), (0.02, 0)])
def test_a_limit_on_the_norm_of_all_is_compared_with_that_norm(norm, count):
    facts = {"clipped": None, "settings": {"global_clipnorm": 0.01}, "gradient_norm": norm}
    assert len(check.run(run(**facts))) == count


@pytest.mark.parametrize(("limit", "count"), [(0.001, 1), (0.1, 0)])
def test_a_limit_on_each_number_is_compared_with_their_size(limit, count):
    assert len(check.run(run(clipped=None, settings={"clipvalue": limit}))) == count


@pytest.mark.parametrize(
    "facts",
    [
        {"clipped": None},
        {"clipped": 0.1},  # too little is taken away to matter
        {"clipped": np.where(np.arange(1000) % 5, 1e-3, 1.0)},  # in four steps of five only
        {"update": 1e-3},  # the weights travel all the same
        {"update": 1e-7},  # and would not have got anywhere without
        {"kind": "adam"},
        {"loss": np.geomspace(2.3, 0.1, 1000)},
        {"steps": 19, "update": 5e-5},
    ],
)
def test_any_other_run_is_left_alone(facts):
    assert check.run(run(**facts)) == ()


def test_twenty_steps_are_enough():
    assert len(check.run(run(steps=20, update=5e-5))) == 1


@pytest.mark.parametrize(("share", "count"), [(85, 0), (95, 1)])
def test_nearly_all_steps_must_be_concerned(share, count):
    assert len(check.run(run(np.where(np.arange(1000) % 100 < share, 1e-3, 1.0)))) == count


@pytest.mark.parametrize(("clipped", "count"), [(0.015, 1), (0.025, 0)])
def test_the_limit_of_what_is_left(clipped, count):
    assert len(check.run(run(clipped, update=5e-5))) == count


@pytest.mark.parametrize(("update", "count"), [(0.9e-4, 1), (1.1e-4, 0)])
def test_the_limit_of_the_path(update, count):
    assert len(check.run(run(update=update))) == count


def test_a_lucky_start_that_is_never_improved_on_is_no_learning():
    noise = np.random.default_rng(0).normal(0, 0.1, 1000)
    assert len(check.run(run(loss=1.9 + noise))) == 1
    assert check.run(run(loss=np.linspace(1.9, 1.7, 1000) + noise)) == ()
