"""Traces made by hand, for our tests and for the tests of other people's rules. Needs no framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deeplocalize.trace.cards import DataCard
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Head, Layer, Loss, Objective, Optimizer, Run, Sample, Source, Trace


def source(line: int, path: str = "train.py") -> Source:
    """A line in an imaginary user's file."""
    return Source(path, line)


def make_layer(index: int, kind: str = "dense", **facts: Any) -> Layer:
    """A layer with sensible facts: a dense layer of 8 units with ReLU, listed and run as number `index`."""
    defaults: dict[str, Any] = {
        "name": f"layer{index}",
        "type": kind.title(),
        "activation": "relu",
        "input_shape": (8,),
        "output_shape": (8,),
        "parameters": 72 if kind in ("dense", "conv", "recurrent", "embedding") else 0,
        "order": index,
        "source": source(10 + index),
    }
    return Layer(index=index, kind=kind, **(defaults | facts))


def make_run(
    loss: Loss | None = None, head: Head | None = None, optimizer: Optimizer | None = None, **facts: Any
) -> Run:
    """A finished PyTorch run: cross-entropy over 10 classes, SGD with learning rate 0.1, batches of 32."""
    loss = loss or Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index", source=source(30))
    head = head or Head(layer=2, activation="linear", activation_layer=2, units=10, shape=(10,), source=source(12))
    optimizer = optimizer or Optimizer("sgd", "SGD", {"learning_rate": 0.1}, source=source(31))
    defaults: dict[str, Any] = {
        "framework": "torch",
        "backend": "torch",
        "objectives": (Objective(loss, head),),
        "optimizers": (optimizer,),
        "batch_size": 32,
        "parameters": 1000,
        "trainable": 1000,
        "optimized": 1000,
        "ended": "completed",
        "sources": {"fit": source(40), "compile": source(35), "step": source(43), "backward": source(42)},
    }
    return Run(**(defaults | facts))


def make_trace(
    *,
    layers: Sequence[Layer] | int = 3,
    steps: int = 100,
    sampled: Sequence[int] | None = None,
    scalars: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    run: Run | None = None,
    data: DataCard | None = None,
    sample: Sample | None = None,
    order: str = "fbs",
    **facts: Any,
) -> Trace:
    """A trace of `steps` optimizer steps.

    `scalars` values are numbers or arrays that broadcast to [steps]; `columns` are keyed ``role.stat`` and their values
    broadcast to [samples, layers] (an array of length `layers` is one row for all samples; for one column over time
    give shape [samples, 1]). Nothing that is not given is recorded, except the loss, which falls from 2.3 to 0.1.

    >>> make_trace(columns={"activation.dead": [0, 0, 1]}).series("activation", "dead").shape
    (100, 3)
    """
    layers = [make_layer(index) for index in range(layers)] if isinstance(layers, int) else list(layers)
    taken = np.arange(steps) if sampled is None else np.asarray(sampled)
    given: dict[str, Any] = {"loss": np.geomspace(2.3, 0.1, steps) if steps else 0.0}
    given |= dict(scalars or {})
    return Trace(
        run=run or make_run(),
        layers=tuple(layers),
        data=data or DataCard(),
        steps=np.arange(steps),
        scalars={name: np.broadcast_to(np.asarray(values, float), (steps,)) for name, values in given.items()},
        sampled=taken,
        columns={
            Series.parse(name): np.broadcast_to(np.asarray(values, float), (len(taken), len(layers)))
            for name, values in (columns or {}).items()
        },
        orders=(order,),
        order=np.zeros(steps, np.int64),
        sample=sample,
        **facts,
    )
