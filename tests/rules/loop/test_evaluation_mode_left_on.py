import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loop.evaluation_mode_left_on import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard

LAYERS = [make_layer(0), make_layer(1, "dropout"), make_layer(2)]
BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)
EVAL = source(25)


def run(modes, *, layers=LAYERS, learns=True, validation=np.nan, **facts):
    modes = np.asarray(modes, float)
    modes = modes if modes.ndim == 2 else modes[:, None]
    run = make_run(sources={"eval": EVAL, "forward": source(20)}, **facts)
    scalars = {"loss": np.geomspace(2.3, 0.1, 200) if learns else 2.3, "validation.loss": validation}
    sampled = np.linspace(0, 199, len(modes)).astype(int)
    columns = {"layer.training": modes}
    return make_trace(
        layers=layers, steps=200, sampled=sampled, scalars=scalars, columns=columns, run=run, data=BASELINE
    )


def test_a_mode_left_on_after_the_first_validation_is_named_with_the_line_of_eval():
    (found,) = check.run(run(np.arange(40) < 10))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("training-loop", None, EVAL)
    assert found.message.startswith(
        "From step 51 on the model is trained in evaluation mode: layer 1 (layer1, Dropout) drops"
    )
    assert found.first_step == 51
    assert found.remedies[0].after == "model.train()"


def test_it_is_weaker_where_the_network_learns_well_all_the_same():
    (weak,), (strong,) = (check.run(run(np.arange(40) < 10, learns=learns)) for learns in (True, False))
    assert weak.strength < strong.strength


def test_a_model_never_in_training_mode_is_named_if_it_does_not_learn():
    (found,) = check.run(run(np.zeros(40), learns=False))
    assert found.message.startswith("The model is trained in evaluation mode")
    assert found.first_step is None


@pytest.mark.parametrize(("kind", "count"), [("dropout", 1), ("batch-norm", 0)])
def test_where_nothing_is_dropped_a_validation_loss_that_rises_is_harm_enough(kind, count):
    layers = [make_layer(0), make_layer(1, kind), make_layer(2)]
    validation = np.where(np.arange(200) % 20 == 19, np.abs(np.arange(200) - 79) / 100 + 0.5, np.nan)
    assert len(check.run(run(np.zeros(40), layers=layers, validation=validation))) == count


def test_in_keras_the_remedy_is_the_argument():
    (found,) = check.run(run(np.zeros(40), learns=False, framework="keras"))
    assert found.remedies[0].after == "training=True"


@pytest.mark.parametrize(
    "facts",
    [
        {"modes": np.ones(40)},
        {"modes": np.zeros(40)},  # from the start, and it learns
        {"modes": np.arange(40) % 10 > 0},  # an evaluation with gradients now and then
        {"modes": np.arange(40) < 36},  # in the last four recorded steps
        {"modes": np.stack([np.ones(40), np.arange(40) < 10, np.ones(40)], axis=1)},  # one layer alone, on purpose
        {"modes": np.arange(40) < 10, "layers": [make_layer(0), make_layer(1)]},  # no layer that would differ
    ],
)
def test_any_other_run_is_left_alone(facts):
    assert check.run(run(**facts)) == ()


def test_without_modes_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
