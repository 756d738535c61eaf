"""Layers that a model calls but does not track: those in an object that is no layer, where Keras does not look."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import keras

from deeplocalize.frameworks.source import is_user_file, place
from deeplocalize.trace.schema import Source

DEPTH = 3
"""So many objects within each other are looked into for a layer."""


def is_untracked(model: Any, layer: Any) -> bool:
    """True for a layer with weights to train that the model called, but does not have among its own."""
    ready = layer.built and bool(layer.trainable_variables)
    return ready and all(each is not layer for each in model._flatten_layers())


def holder(model: Any, layer: Any) -> Source | None:
    """The line of the user's class whose object, kept by the model or a layer in it, holds the layer; None if not found."""
    for owner in model._flatten_layers():
        for each in _plain_objects(owner):
            if any(held is layer for held in _layers_in(each)):
                return _class_line(type(each))
    return None


def _plain_objects(owner: Any, depth: int = DEPTH) -> Iterator[Any]:
    """The objects of the user's own classes, other than layers, in the attributes of an object, and in theirs."""
    for each in _attributes(owner):
        if depth and not isinstance(each, keras.layers.Layer) and hasattr(each, "__dict__") and _is_users(type(each)):
            yield each
            yield from _plain_objects(each, depth - 1)


def _layers_in(owner: Any) -> Iterator[Any]:
    for each in _attributes(owner):
        if isinstance(each, keras.layers.Layer):
            yield from each._flatten_layers()


def _attributes(owner: Any) -> Iterator[Any]:
    """What an object's attributes are, and what is in those that are lists, tuples and dicts."""
    for each in list(vars(owner).values()):
        if isinstance(each, list | tuple | dict):
            yield from each.values() if isinstance(each, dict) else each
        else:
            yield each


def _is_users(cls: type) -> bool:
    try:
        return is_user_file(inspect.getfile(cls))
    except (TypeError, OSError):
        return False


def _class_line(cls: type) -> Source | None:
    try:
        return place(inspect.getfile(cls), inspect.getsourcelines(cls)[1])
    except (TypeError, OSError):
        return None
