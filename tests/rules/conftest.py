"""Programs in short: a loss, an output and labels, as a trace of a run that learned or did not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from deeplocalize.rules import Rule, all_rules
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace.cards import DataCard
from deeplocalize.trace.data import target_card
from deeplocalize.trace.schema import Head, Loss, Objective, Sample, Trace

LOSSES = {
    "cross-entropy on logits, by number": ("cross-entropy", "CrossEntropyLoss", "logits", "class-index"),
    "cross-entropy on logits, by row": ("cross-entropy", "CategoricalCrossentropy", "logits", "one-hot"),
    "cross-entropy, by number": (
        "cross-entropy",
        "sparse_categorical_crossentropy",
        "probabilities",
        "class-index",
    ),
    "cross-entropy, by row": ("cross-entropy", "categorical_crossentropy", "probabilities", "one-hot"),
    "negative log-likelihood": ("negative-log-likelihood", "NLLLoss", "log-probabilities", "class-index"),
    "binary cross-entropy on logits": ("binary-cross-entropy", "BCEWithLogitsLoss", "logits", "elementwise"),
    "binary cross-entropy": ("binary-cross-entropy", "binary_crossentropy", "probabilities", "elementwise"),
    "squared error": ("mean-squared-error", "mean_squared_error", "values", "elementwise"),
    "absolute error": ("mean-absolute-error", "mean_absolute_error", "values", "elementwise"),
}


def asked(
    loss: str | Loss,
    activation: str | None,
    targets: Any,
    units: int | None = 1,
    *,
    answers: Any = None,
    learns: bool = False,
    steps: int = 300,
    shape: tuple[int | None, ...] | None = None,
    run: dict[str, Any] | None = None,
    **scalars: Any,
) -> Trace:
    """A trace of three layers, the last of which answers `targets` [examples, ...] with so many units.

    The loss stays at 1 (or falls to a hundredth of that), which is also the loss of the best constant answer.
    """
    if isinstance(loss, str):
        loss = Loss(*LOSSES[loss], source=source(30))
    layers = [make_layer(0), make_layer(1), make_layer(2, activation="linear", sources={"activation": source(22)})]
    head = Head(layer=2, activation=activation, activation_layer=2, units=units, shape=shape or (units,))
    targets = np.asarray(targets)
    rows = None
    if answers is not None or targets.dtype.kind in "biuf":
        given = np.zeros((len(targets), units)) if answers is None else np.asarray(answers, float)
        rows = Sample(np.zeros(len(targets), np.int64), np.zeros((len(targets), 1)), targets.astype(float), given)
    return make_trace(
        layers=layers,
        steps=steps,
        scalars={"loss": np.geomspace(1, 0.01, steps) if learns else 1.0, **scalars},
        run=make_run(loss, head, **(run or {})),
        data=DataCard(targets=(target_card(targets),), baseline_loss=1.0),
        sample=rows,
    )


def telling(trace: Trace, right: float | None = None, says: float = 1.0) -> Trace:
    """The trace of a network that sorts into ten classes and answers all alike in training, and validation data of which it
    answers this share right, if there are any; `says`: the share of the inputs that tell the class."""
    steps, labels = len(trace.steps), np.repeat(np.arange(10), 40)
    random = np.random.default_rng(0)
    order, noise = random.permutation(400), random.normal(0, 0.1, (400, 10))
    said = np.where(np.arange(400) % 40 < 40 * says, labels, random.permutation(labels))
    sample = Sample(
        np.arange(400) * steps // 400, np.eye(10)[said[order]] + noise, labels[order].astype(float), np.zeros((400, 10))
    )
    scalars = {"batch_size": np.full(steps, 32.0)}
    if right is not None:
        scalars["validation.accuracy"] = np.where(np.arange(steps) % 20 == 19, right, np.nan)
    loss = Loss(*LOSSES["cross-entropy on logits, by number"])
    last = trace.layers[-1].index
    return dataclasses.replace(
        trace,
        run=dataclasses.replace(trace.run, objectives=(Objective(loss, Head(last, "linear", last, 10, (10,))),)),
        data=DataCard(targets=(target_card(labels),), baseline_loss=float(np.log(10)), baseline_accuracy=0.1),
        sample=sample,
        scalars={**trace.scalars, **scalars},
    )


def beside_another_loss(trace: Trace) -> Trace:
    """The same question asked by the second loss of a program, for which no values are recorded."""
    (objective,), (targets,) = trace.run.objectives, trace.data.targets
    first = Objective(Loss("other", "loss"))
    return dataclasses.replace(
        trace,
        run=dataclasses.replace(trace.run, objectives=(first, objective)),
        data=dataclasses.replace(trace.data, targets=(targets, targets)),
    )


@pytest.fixture(name="beside_another_loss")
def beside_another_loss_fixture() -> Callable[[Trace], Trace]:
    return beside_another_loss


@pytest.fixture(name="told")
def telling_fixture() -> Callable[..., Trace]:
    return telling


@pytest.fixture(name="asked")
def asked_fixture() -> Callable[..., Trace]:
    return asked


@pytest.fixture
def rule() -> Callable[[str], Rule]:
    """Find a rule by its name or code."""
    return lambda wanted: next(each for each in all_rules() if wanted in (each.name, each.code))
