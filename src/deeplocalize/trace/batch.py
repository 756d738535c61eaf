"""What is said of a single batch: whether it is the one before again, its labels, and the answers that it got."""

from __future__ import annotations

import math
import zlib

import numpy as np

from deeplocalize.trace.data import MAX_COLUMNS, Array, target_encoding
from deeplocalize.trace.schema import Loss


def batch_scalars(inputs: Array | None, targets: Array | None, loss: Loss | None) -> dict[str, float]:
    """The scalars of a step that tell its batch from others: `input.digest`, `target.majority`, `target.ignored`, and
    `target.copied` of sequences with as many targets as tokens.

    Args:
        inputs: the first input's rows [examples, ...].
        targets: the first objective's targets [examples, ...], all that are known: a part of them could be the part that the
            loss leaves out.
        loss: the first objective's loss.
    """
    scalars: dict[str, float] = {}
    if inputs is not None and inputs.size:
        rows = inputs.reshape(len(inputs), -1)
        every = max(1, math.ceil(rows.shape[1] / MAX_COLUMNS))  # all over an image, since its border may be blank
        content = np.ascontiguousarray(rows[:, ::every])
        scalars["input.digest"] = zlib.crc32(content.tobytes()) / 2**32
    if targets is None or not targets.size or target_encoding(targets) not in ("binary", "class-index", "one-hot"):
        return scalars
    labels = targets.argmax(axis=-1) if target_encoding(targets) == "one-hot" else targets
    if inputs is not None and inputs.ndim == 2 and inputs.size == labels.size > len(inputs):
        scalars["target.copied"] = float((inputs.ravel() == labels.ravel()).mean())
    if loss is not None and loss.ignore_index is not None and loss.targets == "class-index":
        used = labels[labels != loss.ignore_index]
        scalars["target.ignored"] = 1 - used.size / labels.size
        labels = used
    if labels.size:
        scalars["target.majority"] = float(np.unique(labels, return_counts=True)[1].max() / labels.size)
    return scalars


def prediction_scalars(predictions: Array, targets: Array | None, loss: Loss | None) -> dict[str, float]:
    """The scalars `prediction.*` and `accuracy` of a step, from its rows [examples, ...] (classes on the last axis)."""
    values = np.asarray(predictions).astype(np.float64)
    finite = values[np.isfinite(values)]
    scalars: dict[str, float] = {}
    if finite.size:
        scalars |= {
            "prediction.min": float(finite.min()),
            "prediction.max": float(finite.max()),
            "prediction.mean": float(finite.mean()),
            "prediction.std": float(finite.std()),
        }
    if finite.size == values.size and values.ndim >= 1 and len(values) >= 2:
        scalars["prediction.spread"] = float(np.sqrt(values.reshape(len(values), -1).var(axis=0).mean()))
    if finite.size == values.size and values.ndim >= 2 and values.shape[-1] > 1:
        scalars["prediction.row_sum_error"] = float(np.abs(values.sum(axis=-1) - 1).max())
    accuracy = batch_accuracy(values, targets, loss)
    return scalars if accuracy is None else scalars | {"accuracy": accuracy}


def batch_accuracy(predictions: Array, targets: Array | None, loss: Loss | None) -> float | None:
    """Share of examples (and positions) classified right; None if this is no classification."""
    if targets is None or loss is None or not targets.size:
        return None
    if loss.kind == "binary-cross-entropy":
        threshold = 0.0 if loss.takes == "logits" else 0.5
        if predictions.size != targets.size or not np.isin(targets, (0, 1)).all():
            return None
        return float(((predictions.ravel() > threshold) == (targets.ravel() > 0.5)).mean())
    if predictions.ndim < 2 or predictions.shape[-1] < 2:
        return None
    guesses = predictions.argmax(axis=-1)
    if targets.shape == predictions.shape and loss.kind != "mean-squared-error":
        return float((guesses == targets.argmax(axis=-1)).mean())
    if targets.shape == predictions.shape and target_encoding(targets) == "one-hot":
        return float((guesses == targets.argmax(axis=-1)).mean())
    if targets.size == guesses.size and loss.targets == "class-index":
        return float((guesses.ravel() == targets.ravel()).mean())
    return None
