"""Layers, operations, losses and optimizers of Keras as JSON values, and back.

What is read back comes from a file, so nothing is looked up by a path that the file names: classes are those that Keras
itself lists, and their configurations are plain values and other objects of Keras.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Mapping
from typing import Any

import keras

from deeplocalize.frameworks import stored as arguments_stored
from deeplocalize.frameworks.keras.plan import Planned
from deeplocalize.frameworks.keras.tracing import NO_LAYERS
from deeplocalize.frameworks.replaced import replaced
from deeplocalize.frameworks.stored import CannotStoreError

_HOMES = {"layer": "layers", "loss": "losses", "optimizer": "optimizers"}
_ALSO = ("initializers", "regularizers", "constraints", "optimizers.schedules", "random", "dtype_policies")
"""Modules of Keras whose objects are found inside the configurations of others."""


@functools.cache
def _operations() -> Mapping[str, type]:
    """The operations that are no layers, by module and name."""
    modules = [module for name, module in sys.modules.items() if name.startswith("keras.src.ops.") and module]
    return {
        f"{kind.__module__.removeprefix('keras.src.ops.')}.{kind.__name__}": kind
        for module in modules
        for kind in vars(module).values()
        if inspect.isclass(kind)
        and issubclass(kind, keras.Operation)
        and not issubclass(kind, keras.layers.Layer | keras.Function)
        and kind.__module__.startswith("keras.src.ops.")
    }


def stored_target(planned: Planned) -> dict[str, Any]:
    """What carries out an operation. Raises CannotStoreError."""
    target = planned.target
    if isinstance(target, keras.layers.Layer):
        build = target.get_build_config() if target.built else None
        with (
            replaced(target, "activation", lambda _: keras.activations.linear)
            if planned.split
            else contextlib.nullcontext()
        ):
            whole = stored_object(target, "layer")
        return {
            "layer": whole,
            "build": arguments_stored.stored(build and dict(build)),
            "trainable": [each.trainable for each in target.variables],
        }
    if isinstance(target, keras.Operation):
        name = f"{type(target).__module__.removeprefix('keras.src.ops.')}.{type(target).__name__}"
        if _operations().get(name) is not type(target):
            raise CannotStoreError(f"its operation {type(target).__name__} is not one of Keras")
        try:
            config = {key: value for key, value in target.get_config().items() if key != "name"}
        except NotImplementedError:
            raise CannotStoreError(f"the arguments of its operation {type(target).__name__} are not known") from None
        return {"operation": name, "arguments": arguments_stored.stored(config)}
    return {"function": target.__name__}


def restored_target(plain: Mapping[str, Any]) -> Any:
    """What carries out an operation, from its JSON values. Raises ValueError if it is nothing of Keras."""
    if "layer" in plain:
        layer = restored_object(plain["layer"], "layer")
        build = arguments_stored.restored(plain["build"])
        if build is not None and not layer.built:
            layer.build_from_config(build)
        for variable, trainable in zip(layer.variables, plain["trainable"], strict=True):
            variable.trainable = bool(trainable)
        return layer
    if "operation" in plain:
        kind = _operations().get(str(plain["operation"]))
        if kind is None:
            raise ValueError(f"{plain['operation']!r} is no operation of Keras")
        return kind(**arguments_stored.restored(plain["arguments"]))
    function = getattr(keras.activations, str(plain["function"]), None)
    if not inspect.isfunction(function):
        raise ValueError(f"{plain['function']!r} is no activation of Keras")
    return function


# ---- objects ----------------------------------------------------------------------------------------------------------


def stored_object(thing: Any, kind: str) -> Any:
    """A layer, a loss or an optimizer. Raises CannotStoreError if it is not one of Keras, with plain settings."""
    try:
        whole = keras.saving.serialize_keras_object(thing)
        if public := _public(type(thing), _HOMES[kind]):
            whole |= public
        _check(whole, kind)
    except (ValueError, TypeError, KeyError, NotImplementedError, OSError):
        raise CannotStoreError(
            f"its {kind} {type(thing).__name__} is, or has, something of the program's own"
        ) from None
    return arguments_stored.stored(
        {name: whole[name] for name in ("module", "class_name", "config", "registered_name")}
    )


def _public(cls: type, home: str) -> dict[str, Any] | None:
    """Where a class of Keras is found; on its torch backend optimizers are of classes behind those."""
    found = getattr(getattr(keras, home), cls.__name__, None)
    if cls.__module__.startswith("keras.") and found in cls.__mro__:
        return {"module": f"keras.{home}", "registered_name": None}
    return None


def restored_object(plain: Any, kind: str) -> Any:
    """A layer, a loss or an optimizer from its JSON values. Raises ValueError if it is none of Keras."""
    whole = arguments_stored.restored(plain)
    _check(whole, kind)
    return keras.saving.deserialize_keras_object(whole, safe_mode=True)


def _check(whole: Any, kind: str) -> None:
    """Raise ValueError unless it describes an object of Keras of that kind, and all that is in it does."""
    if whole["module"] != f"keras.{_HOMES[kind]}":
        raise ValueError(f"{whole['module']}.{whole['class_name']} is no {kind} of Keras")
    _check_inside(whole)


def _check_inside(value: Any) -> None:
    if isinstance(value, list | tuple):
        for each in value:
            _check_inside(each)
    elif isinstance(value, dict):
        if "class_name" in value:
            _check_class(value)
        for each in value.values():
            _check_inside(each)


def _check_class(whole: Mapping[str, Any]) -> None:
    module, name = str(whole.get("module")), str(whole["class_name"])
    if name == "__tuple__" and set(whole) == {"class_name", "items"}:
        return
    if module == "keras" and name in ("DTypePolicy", "FloatDTypePolicy"):
        return
    homes = (*_HOMES.values(), *_ALSO)
    home = module.removeprefix("keras.")
    if not module.startswith("keras.") or home not in homes or name in NO_LAYERS:
        raise ValueError(f"{module}.{name} is nothing of Keras")
    found: Any = keras
    for each in (*home.split("."), name):
        found = getattr(found, each, None)
    if not inspect.isclass(found):
        raise ValueError(f"{module}.{name} is nothing of Keras")
