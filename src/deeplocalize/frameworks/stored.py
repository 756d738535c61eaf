"""Operations of a step-by-step program and their arguments as JSON values, and back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

from deeplocalize.frameworks.operations import Operation, Ref
from deeplocalize.trace.schema import Source


class CannotStoreError(Exception):
    """Something in the program has no form as plain values. The text says what."""


def refuse(value: Any) -> Any:
    """What to do with an argument of which a framework knows nothing. Raises CannotStoreError."""
    raise CannotStoreError(f"it passes a {type(value).__name__} to a function")


def refuse_kind(kind: str, _: Any) -> Any:
    """The same for what is read back. Raises ValueError."""
    raise ValueError(f"an argument of kind {kind!r}")


def stored(value: Any, other: Callable[[Any], Any] = refuse) -> Any:
    """An argument as JSON values; a Ref and what JSON lacks as an object with one key.

    Args:
        value: the argument.
        other: makes an object with one key of what belongs to a framework, such as a dtype.

    Raises:
        CannotStoreError: it cannot be stored.
    """
    if isinstance(value, Ref):
        return {"ref": list(value)}
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, slice):
        return {"slice": [stored(each, other) for each in (value.start, value.stop, value.step)]}
    if isinstance(value, list):
        return [stored(each, other) for each in value]
    if isinstance(value, tuple):
        return {"tuple": [stored(each, other) for each in value]}
    if isinstance(value, dict):
        return {"dict": [[stored(key, other), stored(each, other)] for key, each in value.items()]}
    return {"ellipsis": True} if value is Ellipsis else other(value)


def restored(value: Any, other: Callable[[str, Any], Any] = refuse_kind) -> Any:
    """An argument from its JSON values; `other` undoes the other of `stored`. Raises ValueError if it is none."""
    if isinstance(value, list):
        return [restored(each, other) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    match kind:
        case "ref":
            return Ref(*map(str, inner))
        case "float":
            return float(inner)
        case "tuple":
            return tuple(restored(each, other) for each in inner)
        case "dict":
            return {restored(key, other): restored(each, other) for key, each in inner}
        case "slice":
            return slice(*(restored(each, other) for each in inner))
        case "ellipsis":
            return Ellipsis
    return other(kind, inner)


def stored_source(line: Source | None) -> dict[str, Any] | None:
    """A line as JSON values."""
    return None if line is None else {"path": line.path, "line": line.line, "text": line.text}


def restored_source(plain: Any) -> Source | None:
    """A line from its JSON values."""
    return Source(**plain) if plain else None


def stored_operation(operation: Operation, other: Callable[[Any], Any] = refuse) -> dict[str, Any]:
    """An operation as JSON values. Raises CannotStoreError."""
    plain = dataclasses.asdict(dataclasses.replace(operation, args=(), kwargs={}))
    return plain | {"args": stored(operation.args, other), "kwargs": stored(dict(operation.kwargs), other)}


def restored_operation(plain: Mapping[str, Any], other: Callable[[str, Any], Any] = refuse_kind) -> Operation:
    """An operation from its JSON values."""
    names = {name: tuple(map(str, plain[name])) for name in ("inputs", "outputs", "changed")}
    return Operation(
        str(plain["name"]),
        str(plain["target"]),
        restored(plain["args"], other),
        restored(plain["kwargs"], other),
        **names,
        unsplit=plain["unsplit"],
        stops=bool(plain["stops"]),
    )
