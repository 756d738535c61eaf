"""The facts of the 41 programs, as plain JSON, and what follows from them without running anything."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
VERSIONS = ("buggy", "fixed")

Case = dict[str, Any]


@functools.cache
def cases() -> dict[str, Case]:
    """Every case of facts.json by its id, in the order of the file."""
    return {case["id"]: case for case in json.loads((HERE / "facts.json").read_text())}


class Settings(NamedTuple):
    """What a version of a case is trained on and with, where the facts leave no doubt and where they do.

    A repaired program without a number of epochs or a batch size of its own (so-45337371, which never trains, and
    so-47352366, which counts steps) gets those of the buggy one. One without a `data` entry uses the buggy program's.
    """

    input_shape: tuple[int, ...]
    target_shape: tuple[int, ...]
    scaling: str
    encoding: str
    rows: int
    batch_size: int
    epochs: int
    validation: dict[str, Any] | None


def settings(case: Case, version: str) -> Settings:
    """The settings of a version."""
    buggy, own, data = case["buggy"], case[version], dict(case["data"])
    if version == "fixed":
        data |= own.get("data", {})
    trains = own["epochs"] is not None or "steps" in own
    if not trains:
        data |= {key: case["data"][key] for key in ("n_train", "input_shape", "target_shape")}
    epochs = own["epochs"] or buggy["epochs"]
    return Settings(
        input_shape=tuple(own["input_shape"] if trains else buggy["input_shape"]),
        target_shape=tuple(data["target_shape"]),
        scaling=data["scaling"],
        encoding=data["target_encoding"],
        rows=data["n_train"] or 6000,
        batch_size=own["batch_size"] or buggy["batch_size"],
        epochs=epochs - own.get("initial_epoch", 0),
        validation=own["validation"],
    )


def parameters_and_products(layers: list[dict[str, Any]], input_shape: tuple[int, ...]) -> tuple[int, int]:
    """(parameters, multiplications of a forward pass on one example) of a stack of layers."""
    shape, parameters, products = input_shape, 0, 0
    for layer in layers:
        kind = layer["type"]
        if kind == "Dense":
            parameters += (shape[-1] + 1) * layer["units"]
            products += math.prod(shape) * layer["units"]
            shape = (*shape[:-1], layer["units"])
        elif kind == "Conv2D":
            weights = math.prod(layer["kernel_size"]) * shape[-1] * layer["filters"]
            shape = (*_windows(shape, layer, layer["kernel_size"]), layer["filters"])
            parameters += weights + layer["filters"]
            products += weights * shape[0] * shape[1]
        elif kind == "MaxPooling2D":
            shape = (*_windows(shape, layer, layer["pool_size"]), shape[-1])
        elif kind == "Flatten":
            shape = (math.prod(shape),)
        elif kind == "Reshape":
            shape = tuple(layer["target_shape"])
    return parameters, products


def _windows(shape: tuple[int, ...], layer: dict[str, Any], size: list[int]) -> tuple[int, int]:
    if layer["padding"] == "same":
        rows, columns = (-(-axis // step) for axis, step in zip(shape[:2], layer["strides"], strict=True))
    else:
        rows, columns = (
            (axis - own) // step + 1 for axis, own, step in zip(shape[:2], size, layer["strides"], strict=True)
        )
    return rows, columns
