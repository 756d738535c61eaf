"""Layers, losses, optimizers and calls of Keras as Python text."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.operations import Operation
from deeplocalize.frameworks.script import arguments_text, literal


def object_text(thing: Any, home: str, **changed: Any) -> str:
    """The text that builds a layer, an operation, an optimizer or a loss like this one.

    Args:
        thing: it has a `get_config`.
        home: the public module of Keras that its class is in, such as `layers`.
        changed: settings that are to be others.

    Raises:
        UsageError: its configuration is not of plain values, so that no text is sure to build it.
    """
    kind = type(thing)
    if getattr(getattr(keras, home, None), kind.__name__, None) is kind:
        config = thing.get_config() | changed
        given = {name: value for name, value in config.items() if not _is_default(kind, name, value)}
        try:
            text = f"keras.{home}.{kind.__name__}({', '.join(f'{name}={literal(value)}' for name, value in given.items())})"
        except ValueError:
            text = ""
        if text and not any(isinstance(value, dict) for value in given.values()) and _alike(config, text):
            return text
    if not kind.__module__.startswith("keras."):
        raise UsageError(f"source() cannot write down {kind.__name__!r}, which is a class of your own")
    try:
        whole = keras.saving.serialize_keras_object(thing)
        whole.pop("build_config", None)
        config = {name: value for name, value in whole["config"].items() if not _is_default(kind, name, value)}
        whole["config"] = config | {name: value for name, value in changed.items() if name in config}
        return f"keras.saving.deserialize_keras_object({literal(whole)})"
    except (ValueError, TypeError, NotImplementedError):
        raise UsageError(
            f"source() cannot write down {kind.__name__!r}: its configuration is not of plain values"
        ) from None


def _is_default(kind: type, name: str, value: Any) -> bool:
    """True for a setting that need not be written: it is the default, or only says how weights begin."""
    if name.endswith("_initializer") or (name == "trainable" and value is True):
        return True
    if name == "dtype":
        return keras.config.dtype_policy().name == (value["config"]["name"] if isinstance(value, dict) else value)
    for each in kind.__mro__:
        parameter = inspect.signature(each.__init__).parameters.get(name)
        if parameter is not None:
            return bool(parameter.default == value) or (
                isinstance(parameter.default, int) and _all_are(value, parameter.default)
            )
    return value is None


def _all_are(value: Any, number: int) -> bool:
    return isinstance(value, tuple | list) and set(value) == {number}


def _alike(config: Mapping[str, Any], text: str) -> bool:
    """True if the text builds a thing of the same configuration, but for how its weights begin."""
    try:
        other = eval(text, {"keras": keras}).get_config()
    except Exception:
        return False
    return all(other.get(name) == value for name, value in config.items() if not name.endswith("_initializer"))


def function_text(function: Any, home: str) -> str:
    """The name of a function of Keras, such as `keras.activations.relu`; raises UsageError for one of the user's own."""
    name = getattr(function, "__name__", type(function).__name__)
    if getattr(getattr(keras, home), name, None) is function:
        return f"keras.{home}.{name}"
    raise UsageError(f"source() cannot write down the function {name!r}, which is not one of keras.{home}")


def loss_text(loss: Any) -> str:
    """The text of a function of (target, prediction) for one loss of a model."""
    function = getattr(loss, "fn", None)
    if function is not None and getattr(keras.losses, type(loss).__name__, None) is not type(loss):
        return f"lambda y, prediction: keras.ops.mean({function_text(function, 'losses')}(y, prediction))"
    return object_text(loss, "losses")


def call_text(operation: Operation, names: Mapping[str, str]) -> str:
    """The call of an operation, given the Python name of each tensor and target."""
    return f"{names[operation.target]}({', '.join(arguments_text(operation, names))})"
