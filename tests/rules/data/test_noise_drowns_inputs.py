import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.data.noise_drowns_inputs import check
from deeplocalize.testing import make_layer, make_trace, source
from deeplocalize.trace import DataCard, InputCard

NOISE = make_layer(0, "other", type="AddNoise", sources={"std": source(26)})
BRIGHTNESS = make_layer(0, "other", type="RandomBrightness")


def run(layer=NOISE, size=5.0, *, loss=2.3, steps=300, given=1.0):
    pixels = InputCard("x", "float32", (8,), 500, -9.0, 9.0, 0.0, given, 0, False, 8, 0, None)
    return make_trace(
        layers=[layer, make_layer(1), make_layer(2)],
        steps=steps,
        scalars={"loss": loss, "batch_size": 32},
        columns={"activation.rms": [size, 1.0, 1.0]},
        data=DataCard(inputs=(pixels,), baseline_loss=2.3),
    )


def found(trace):
    answer = check.run(trace)
    return [] if isinstance(answer, NotEvaluated) else list(answer)


def test_noise_that_is_larger_than_its_input_is_named_with_its_argument():
    (finding,) = found(run())
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("data", 0, source(26))
    assert finding.message.startswith("AddNoise drowns its input")
    assert (finding.evidence[0].observed, finding.evidence[0].limit) == (5.0, 3.0)


def test_a_change_of_colors_wants_the_range_of_the_values():
    (finding,) = found(run(BRIGHTNESS))
    assert (finding.locus.kind, finding.remedies[0].after) == ("input-scaling", "value_range=(0, 1)")


def test_a_later_layer_is_held_against_the_one_before_it():
    noise = make_layer(1, "noise", type="GaussianNoise", parameters=0)
    layers = [make_layer(0), noise, make_layer(2)]
    trace = make_trace(
        layers=layers,
        steps=300,
        scalars={"loss": 2.3, "batch_size": 32},
        columns={"activation.rms": [0.5, 5.0, 1.0]},
        data=DataCard(baseline_loss=2.3),
    )
    assert found(trace)[0].locus.layer == 1


@pytest.mark.parametrize(
    ("trace", "count"),
    [
        (run(size=3.1), 1),  # `times`
        (run(size=2.9), 0),
        (run(given=10.0), 0),
        (run(loss=0.1), 0),  # it learns all the same
        (run(steps=50), 0),  # too early to tell
        (run(make_layer(0, "rescaling", type="Rescaling", parameters=0)), 0),  # it is to change the size
        (run(make_layer(0, "dense", type="NoiseLinear")), 0),  # it has weights to adapt
    ],
)
def test_each_condition_has_two_sides(trace, count):
    assert len(found(trace)) == count
