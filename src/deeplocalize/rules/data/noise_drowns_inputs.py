"""Noise or an augmentation within the network drowns what it is given.

What it means
A layer that disturbs its input in training, to make the network robust, is set up for values of another scale: noise of a
standard deviation of 5 for pixels from 0 to 1, or a change of brightness that takes them for pixels from 0 to 255, as the layers of
Keras do unless `value_range` says otherwise.

Why it hurts
What comes out is almost all disturbance, and another one in each step. Nothing can be learned from it, while the data themselves
are fine.

How it is recognized
A layer without parameters that is one of noise or of random changes, by its type, hands on values whose RMS is more than `times` = 3
times that of what it is given, in the middle of the run. For noise that is eight times the power of the signal; what is turned,
moved or mirrored keeps its size. And the network does not learn, although it had time to.

How to fix it
Noise of a tenth to a third of the standard deviation of the data. For layers of Keras that change colors, give `value_range=(0, 1)`.

When it is wrong
Denoising networks see far more noise than signal, and learn; they are let alone.

References
Keras, RandomBrightness. https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_brightness/
C. Bishop: Training with Noise is Equivalent to Tikhonov Regularization, 1995. https://doi.org/10.1162/neco.1995.7.1.108
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import in_order, input_scale, lasting
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.quality import has_had_time, learns_well
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Layer, Trace

SIZE = Series("activation", "rms")


@rule(
    code="D111",
    severity=Severity.HIGH,
    needs=("steps", "loss", SIZE),
    explains=("dead-units", "learning-rate-too-high", "learning-rate-too-low", "loss-no-better-than-constant"),
)
def check(trace: Trace, *, times: float = 3.0) -> Iterator[Finding]:
    """Yield one finding, for the first layer that drowns what it is given."""
    if learns_well(trace) is not False or not has_had_time(trace):
        return
    sizes, given = lasting(trace, trace.series(*SIZE)), input_scale(trace)
    for index in map(int, in_order(trace)):
        layer = trace.layers[index]
        if _disturbs(layer) and given > 0 and sizes[index] > times * given:
            yield _finding(trace, layer, float(sizes[index]), given, times)
            return
        given = sizes[index]


def _disturbs(layer: Layer) -> bool:
    return not layer.parameters and (layer.type.startswith("Random") or "Noise" in layer.type)


def _finding(trace: Trace, layer: Layer, size: float, given: float, times: float) -> Finding:
    noise = "Noise" in layer.type
    change = "Make the noise a tenth to a third of the data's standard deviation"
    return Finding(
        message=f"{layer.type} drowns its input: what {called(trace, layer.index)} hands on in training has an RMS of {size:.3g}, "
        f"where it is given {given:.3g}, and the network learns nothing.",
        locus=Locus("data" if noise else "input-scaling", *argument(trace, layer.index, "stddev", "std", "factor")),
        evidence=(
            Evidence("RMS of what the layer hands on, over that of what it is given", size / given, ">", times, SIZE),
        ),
        remedies=(
            Remedy(change) if noise else Remedy("Tell the layer the range of the values", after="value_range=(0, 1)"),
        ),
        strength=strength_of(size / given, times),
    )
