import dataclasses

import numpy as np
import pytest

from deeplocalize.rules.generalization.validation_on_another_scale import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, InputCard, TargetCard
from deeplocalize.trace.schema import Evaluation

TABLE = InputCard("x", "float32", (4,), 400, -1.0, 1.0, 0.0, 1.0, 0, False, 4, 0, None)
CURVE = InputCard("x", "float32", (1,), 400, -1.0, 1.0, 0.0, 1.0, 0, False, 1, 0, None)


def seen(*scales, examples=100, passes=0, proper=1):
    return tuple(
        Evaluation(50 * (at + 1), passes, proper, examples, source=source(60), scale=scale)
        for at, scale in enumerate(scales)
    )


def run(*evaluations, first="dense", card=TABLE, **scalars):
    return make_trace(
        layers=[make_layer(0, first), make_layer(1), make_layer(2)],
        scalars={"loss": np.linspace(2.3, 0.1, 100)} | scalars,
        run=make_run(evaluations=evaluations),
        data=DataCard(inputs=(card,), baseline_loss=2.3),
    )


def count(*evaluations, **facts):
    return len(check.run(run(*evaluations, **facts)))


def test_inputs_of_another_scale_are_named_with_the_line_that_evaluates():
    (found,) = check.run(run(*seen(16.0)))
    assert found.message.startswith(
        "The network is evaluated on inputs that are 16 times as large as those it is trained"
    )
    assert (found.locus.kind, found.locus.source, found.first_step) == ("input-scaling", source(60), 50)


def test_so_are_inputs_that_are_far_smaller():
    assert "255 times smaller" in check.run(run(*seen(1 / 255)))[0].message


@pytest.mark.parametrize(("scale", "found"), [(7.0, 0), (9.0, 1), (1 / 7, 0), (1 / 9, 1), (1.0, 0), (0.0, 0)])
def test_parts_of_one_data_set_do_not_differ_so_much(scale, found):
    assert count(*seen(scale)) == found


def test_one_evaluation_on_the_scale_of_the_training_shows_that_the_other_is_meant():
    assert count(*seen(16.0, 1.0)) == 0
    assert count(*seen(16.0, 16.0)) == 1


def test_an_evaluation_whose_inputs_are_not_known_says_nothing():
    assert count(*seen(None)) == 0
    assert count(*seen(None, 16.0)) == 1


@pytest.mark.parametrize(("examples", "passes", "found"), [(19, 1, 0), (21, 1, 1), (100, 60, 0)])
def test_a_few_rows_or_one_at_a_time_are_no_evaluation(examples, passes, found):
    assert count(*seen(16.0, examples=examples, proper=passes)) == found


@pytest.mark.parametrize("kind", ["norm", "batch-norm", "rescaling", "embedding"])
def test_where_the_first_layer_takes_any_scale_it_is_of_no_importance(kind):
    assert count(*seen(16.0), first=kind) == 0


def test_a_curve_may_be_looked_at_beyond_its_data():
    assert count(*seen(16.0), card=CURVE) == 0


@pytest.mark.parametrize(("loss", "found"), [(0.15, 0), (0.3, 1)])
def test_an_evaluation_that_goes_as_well_as_the_training_is_not_accused(loss, found):
    elsewhere = np.where(np.arange(100) % 50 == 49, loss, np.nan)
    assert count(*seen(16.0), **{"loss": 0.12, "validation.loss": elsewhere}) == found


@pytest.mark.parametrize(
    ("scale", "loss", "trained", "found"),
    [
        (2.2, 1.5, 0.1, 1),
        (1 / 2.2, 1.5, 0.1, 1),
        (1.8, 1.5, 0.1, 0),
        (2.2, 1.0, 0.1, 0),
        (2.2, 1.5, 0.7, 0),
        (2.2, 1.5, 0.5, 1),
    ],
)
def test_less_is_enough_where_the_network_plainly_fails_on_it(scale, loss, trained, found):
    elsewhere = np.where(np.arange(100) % 20 == 19, loss, np.nan)
    assert count(*seen(scale), **{"loss": trained, "validation.loss": elsewhere}) == found


@pytest.mark.parametrize(("there", "found"), [(2.0, 0), (14.0, 0), (18.0, 1), (2 / 7, 0), (2 / 9, 1), (np.nan, 0)])
def test_targets_of_another_scale_are_told(there, found):
    """Those trained on have a mean of 1.6 and a standard deviation of 1.2: an RMS of 2."""
    card = TargetCard("float32", (), 400, "continuous", minimum=-1.0, maximum=5.0, mean=1.6, std=1.2, nonfinite=0)
    last = np.arange(100) % 20 == 19
    scalars = {"validation.target_rms": np.where(last, there, np.nan), "validation.loss": np.where(last, 9.0, np.nan)}
    trace = dataclasses.replace(
        run(*seen(1.0), **scalars), data=DataCard(inputs=(TABLE,), targets=(card,), baseline_loss=1.44)
    )
    told = check.run(trace)
    assert [each.locus.kind for each in told] == ["target-scaling"] * found
