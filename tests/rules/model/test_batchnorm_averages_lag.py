import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.model.batchnorm_averages_lag import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, InputCard


def run(momentum=1e-4, *, steps=300, given=5.0, fresh=True, mode=1.0, framework="torch"):
    """A network of a layer whose output has this RMS, a batch normalization, and a head."""
    settings = {"momentum": momentum, "fresh": fresh}
    norm = make_layer(1, "batch-norm", settings=settings, sources={"momentum": source(27)}, activation=None)
    return make_trace(
        layers=[make_layer(0), norm, make_layer(2)],
        steps=steps,
        columns={"layer.training": mode, "activation.rms": [given, 1.0, 1.0]},
        run=make_run(framework=framework),
    )


def test_averages_that_hardly_left_their_start_are_named_with_the_momentum():
    (found,) = check.run(run())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("batchnorm", 1, source(27))
    assert found.message.startswith("With a momentum of 0.0001, 97% of the running averages of layer 1")
    assert (found.remedies[0].before, found.remedies[0].after) == ("0.0001", "0.1")


def test_in_keras_the_momentum_is_what_is_kept():
    (found,) = check.run(run(0.9999, framework="keras"))
    assert found.remedies[0].after == "0.99"
    assert check.run(run(1e-4, framework="keras")) == ()


@pytest.mark.parametrize(("momentum", "count"), [(0.1, 0), (0.0024, 0), (0.0022, 1), (0.0, 1), (None, 0)])
def test_more_than_half_of_the_start_must_be_left(momentum, count):
    assert len(check.run(run(momentum))) == count


@pytest.mark.parametrize(("steps", "count"), [(19, 0), (20, 1)])
def test_a_short_training_says_nothing(steps, count):
    assert len(check.run(run(steps=steps))) == count


@pytest.mark.parametrize(
    ("momentum", "framework", "count"), [(0.99, "keras", 0), (0.995, "keras", 1), (0.1, "torch", 0)]
)
def test_the_usual_momentum_is_never_accused(momentum, framework, count):
    assert len(check.run(run(momentum, steps=30, framework=framework))) == count


@pytest.mark.parametrize(("given", "count"), [(1.0, 0), (1.9, 0), (2.1, 1), (0.51, 0), (0.45, 1), (np.nan, 0)])
def test_a_start_that_is_about_right_does_no_harm(given, count):
    assert len(check.run(run(given=given))) == count


@pytest.mark.parametrize("facts", [{"fresh": False}, {"fresh": None}, {"mode": 0.0}])
def test_averages_that_were_loaded_or_are_kept_as_they_are_are_left_alone(facts):
    assert check.run(run(**facts)) == ()


def test_where_the_outputs_are_not_known_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)


@pytest.mark.parametrize(("mean", "std", "count"), [(70.0, 30.0, 1), (0.0, 1.0, 0), (None, None, 0)])
def test_of_a_first_layer_the_inputs_tell_what_it_is_given(mean, std, count):
    norm = make_layer(0, "batch-norm", settings={"momentum": 0.9999, "fresh": True}, activation=None)
    trace = make_trace(
        layers=[norm, make_layer(1)],
        steps=200,
        columns={"layer.training": 1.0, "activation.rms": 1.0},
        run=make_run(framework="keras"),
        data=DataCard(inputs=(InputCard("x", "float32", (8,), 500, 0.0, 99.0, mean, std, 0, False, 8, 0, None),)),
    )
    assert len(check.run(trace)) == count


@pytest.mark.parametrize(
    ("facts", "count"),
    [({}, 1), ({"unmoved": None}, 0), ({"given": 1.0}, 1), ({"steps": 19}, 0), ({"mode": 0.0}, 0)],
)
def test_averages_that_a_train_step_throws_away_are_named_with_its_line(facts, count):
    facts = {"unmoved": True, "given": 5.0, "steps": 300, "mode": 1.0} | facts
    settings = {"momentum": 0.99, "fresh": True, "unmoved": facts["unmoved"]}
    trace = make_trace(
        layers=[make_layer(0), make_layer(1, "batch-norm", settings=settings, activation=None), make_layer(2)],
        steps=facts["steps"],
        columns={"layer.training": facts["mode"], "activation.rms": [facts["given"], 1.0, 1.0]},
        run=make_run(framework="keras"),
    )
    found = check.run(trace)
    assert len(found) == count
    if count:
        assert (found[0].locus.kind, found[0].locus.layer, found[0].locus.source) == ("training-loop", 1, source(42))
