import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loss.representation_collapse import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard

STEPS = np.arange(300)
FADING = np.geomspace(1, 0.01, 300)[:, None]
LAYERS = [make_layer(0), make_layer(1, output_shape=(3,)), make_layer(2), make_layer(3, output_shape=(64,))]
CODE, ANSWER = np.array([0, 1, 0, 0]), np.array([0, 0, 0, 1])


def over_time(code, answer):
    """Series of four layers that stay as they are, except for the code and the answer, which end at these shares."""
    pace = (STEPS / 299)[:, None]
    return np.where(CODE, code**pace, np.where(ANSWER, answer**pace, 1.0))


def run(spread=0.02, size=0.02, answer=0.3, weight=0.8, dead=0.0, *, data=None, layers=LAYERS, **scalars):
    columns = {
        "activation.spread": over_time(spread, answer),
        "activation.rms": over_time(size, 1.0),
        "activation.dead": np.where(CODE, dead, 0.0),
        "weight.rms": over_time(weight, 1.0),
    }
    data = data or DataCard()
    return make_trace(layers=layers, steps=300, columns=columns, data=data, scalars={"batch_size": 32, **scalars})


def found(trace):
    answer = check.run(trace)
    return [] if isinstance(answer, NotEvaluated) else list(answer)


def test_a_code_that_fades_is_named_with_the_line_of_the_loss():
    (finding,) = found(run())
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("loss", 1, source(30))
    assert "layer 1 (layer1, Dense)" in finding.message
    assert "presses it to a constant" in finding.message
    assert [each.relation for each in finding.evidence] == ["<", "<", ">", "<"]


def test_of_several_layers_that_fade_the_narrowest_is_the_code():
    trace = run()
    fading = np.where([1, 1, 1, 0], 0.02 ** (STEPS / 299)[:, None], over_time(1.0, 0.3))
    columns = {"activation.spread": fading, "activation.rms": fading, "weight.rms": 1.0}
    (finding,) = found(make_trace(layers=LAYERS, steps=300, columns=columns, scalars={"batch_size": 32}, run=trace.run))
    assert finding.locus.layer == 1


def test_without_a_loss_that_is_known_it_is_the_line_that_asks_for_gradients():
    trace = run()
    facts = make_run(objectives=())
    (finding,) = found(make_trace(layers=LAYERS, steps=300, run=facts, columns=columns_of(trace)))
    assert finding.locus.source == source(42)


def columns_of(trace):
    return {f"{series.role}.{series.stat}": values for series, values in trace.columns.items()}


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({"spread": 0.05}, 1),  # `rest`
        ({"spread": 0.2}, 0),
        ({"size": 0.05}, 1),
        ({"size": 0.2}, 0),
        ({"weight": 0.35}, 1),  # `kept`: or else it is the decay
        ({"weight": 0.2}, 0),
        ({"weight": 3.0}, 1),
        ({"weight": 5.0}, 0),  # huge steps
        ({"answer": 0.5}, 1),  # `answers`
        ({"answer": 0.7}, 0),  # a branch that is not needed
        ({"answer": 3.0}, 0),
        ({"dead": 0.05}, 1),
        ({"dead": 1.0}, 0),
        ({"batch_size": 8}, 0),  # too short to tell
        ({"other_steps": 1}, 0),  # in turns with another network
        ({"data": DataCard(baseline_loss=2.3)}, 0),  # it learns
        ({"data": DataCard(baseline_loss=2.3), "loss": 2.3}, 1),
        ({"layers": LAYERS[:1]}, 0),
    ],
)
def test_each_condition_has_two_sides(facts, count):
    if "layers" in facts:
        trace = make_trace(layers=1, steps=300, columns={"activation.spread": FADING, "weight.rms": 1.0})
        assert found(trace) == []
    else:
        assert len(found(run(**facts))) == count
