"""Lines of layers and of other calls looked up in the user's file, where the calls themselves were not seen.

That is so if we came into play only when everything was built. A line is given only where there is no doubt about it.
"""

from __future__ import annotations

import ast
import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from deeplocalize.frameworks.source import called, calls_in, place
from deeplocalize.trace.schema import Layer, Source


class Found(NamedTuple):
    """The line of a call, and those of its arguments by name."""

    source: Source
    arguments: dict[str, Source]


def of_layers(layers: Sequence[Layer], filename: str | None) -> tuple[Layer, ...]:
    """The layers with the lines on which they are built: where a file builds as many of a type as the model has, in order."""
    if filename is None:
        return tuple(layers)
    by_type: dict[str, list[ast.Call]] = {each.type: [] for each in layers}
    for call in _in_order(filename):
        by_type.get(called(call), []).append(call)
    wanted = Counter(each.type for each in layers)
    certain = {name: iter(calls) for name, calls in by_type.items() if len(calls) == wanted[name]}
    return tuple(
        _with_lines(each, next(certain[each.type]), filename) if each.type in certain else each for each in layers
    )


def of_call(name: str, filename: str | None, parameters: Sequence[str] = ()) -> Found | None:
    """The only call of a function or class of this name in a file; None if there is none, or another one.

    Args:
        name: without the names of modules before it.
        filename: the file, None if it is not known.
        parameters: the names of its positional arguments, in order.
    """
    calls = [call for call in _in_order(filename) if called(call) == name] if filename else []
    if filename is None or len(calls) != 1:
        return None
    given = [
        *zip(parameters, calls[0].args, strict=False),
        *((each.arg, each.value) for each in calls[0].keywords if each.arg),
    ]
    return Found(place(filename, calls[0].lineno), {name: place(filename, value.lineno) for name, value in given})


def of_argument(names: Sequence[str], filename: str) -> Source | None:
    """The only line of a file on which a call is given an argument of one of these names; None if there are others."""
    given = {each.value.lineno for call in calls_in(filename) for each in call.keywords if each.arg in names}
    return place(filename, given.pop()) if len(given) == 1 else None


def _with_lines(layer: Layer, call: ast.Call, filename: str) -> Layer:
    sources = {each.arg: place(filename, each.value.lineno) for each in call.keywords if each.arg}
    return dataclasses.replace(layer, source=place(filename, call.lineno), sources=sources)


def _in_order(filename: str) -> list[ast.Call]:
    """The calls of a file in the order in which they begin to be carried out: of a chain the first comes first."""
    return sorted(calls_in(filename), key=lambda call: (call.func.end_lineno or 0, call.func.end_col_offset or 0))
