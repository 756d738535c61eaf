"""Weight decay and penalties on weights: how strongly each pulls the kernels to zero."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from deeplocalize.signals.over_depth import finite, meant_to_change
from deeplocalize.trace.schema import FloatArray, IntArray, Trace


class Decay(NamedTuple):
    """What pulls weights to zero, as it was set.

    `acts` says where: on the gradient, as PyTorch's SGD and Adam have it; on the weights themselves, apart from the
    gradient (AdamW, and all optimizers of Keras); or as a penalty that is a part of the loss. `strength` is the number in
    the program, `layers` are those that it works on.

    Attributes:
        pull: at the first step, RMS of what the decay asks of a layer's kernels over the RMS of the kernels, [layers].
        share: of what the first step is made of, the decay's part, [layers], from 0 to 1; above 0.7 it is the larger part.
    """

    acts: Literal["gradient", "weights", "penalty"]
    strength: float
    layers: IntArray
    pull: FloatArray
    share: FloatArray


def decays(trace: Trace) -> list[Decay]:
    """The decays of a run: that of its (first) optimizer, and the penalties of its layers taken together."""
    found = [_of_optimizer(trace), _of_layers(trace)] if len(trace.sampled) else []
    return [each for each in found if each is not None and len(each.layers)]


def _of_optimizer(trace: Trace) -> Decay | None:
    optimizer = trace.run.optimizers[0] if trace.run.optimizers else None
    strength = _number(optimizer.settings.get("weight_decay")) if optimizer else 0.0
    if optimizer is None or not strength:
        return None
    layers = meant_to_change(trace)
    weights = finite(trace, "weight", "rms")[0, layers]
    apart = trace.run.framework == "keras" or optimizer.settings.get("decoupled_weight_decay") is True
    if not apart and optimizer.kind != "adamw":
        gradients = finite(trace, "weight_gradient", "rms")[0, layers]
        return Decay(
            "gradient", strength, layers, _over(strength * weights, weights), _part(strength * weights, gradients)
        )
    pulls = strength * trace.scalar("learning_rate")[:1] * weights
    # What the optimizer adds to the weights contains the pull.
    return Decay(
        "weights",
        strength,
        layers,
        _over(pulls, weights),
        _within(pulls, finite(trace, "weight_update", "rms")[0, layers]),
    )


def _of_layers(trace: Trace) -> Decay | None:
    """L1 and L2 penalties: their gradient is the sign of the weight, and twice the weight; the recorded one contains it."""
    ones, twos = ([_number(layer.settings.get(name)) for layer in trace.layers] for name in ("l1", "l2"))
    layers = np.array([at for at in meant_to_change(trace) if ones[at] or twos[at]], np.int64)
    weights = finite(trace, "weight", "rms")[0, layers]
    pulls = np.array(ones)[layers] + 2 * np.array(twos)[layers] * weights
    strength = max([*np.array(ones)[layers], *np.array(twos)[layers]], default=0.0)
    gradients = finite(trace, "weight_gradient", "rms")[0, layers]
    return Decay("penalty", strength, layers, _over(pulls, weights), _within(pulls, gradients))


def _part(pull: FloatArray, rest: FloatArray) -> FloatArray:
    return np.where(rest > 0, pull / np.hypot(pull, np.where(rest > 0, rest, 1.0)), np.nan)


def _within(pull: FloatArray, whole: FloatArray) -> FloatArray:
    return np.minimum(_over(pull, whole), 1.0)


def _over(values: FloatArray, by: FloatArray) -> FloatArray:
    return np.where(by > 0, values / np.where(by > 0, by, 1.0), np.nan)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
