"""Lines of layers and of compile() looked up in the user's file, where the calls themselves were not seen.

That is so if a callback came into play only when fit was called. A line is given only where there is no doubt about it.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import linecache
from collections import Counter

from deeplocalize.frameworks.source import place
from deeplocalize.trace.schema import Layer, Source


def of_layers(layers: tuple[Layer, ...], filename: str | None) -> tuple[Layer, ...]:
    """The layers with the lines on which they are built: where a file builds as many of a type as the model has, in order."""
    if filename is None:
        return layers
    by_type: dict[str, list[ast.Call]] = {each.type: [] for each in layers}
    for call in _calls(filename):
        by_type.get(_called(call), []).append(call)
    wanted = Counter(each.type for each in layers)
    certain = {name: iter(calls) for name, calls in by_type.items() if len(calls) == wanted[name]}
    return tuple(
        _with_lines(each, next(certain[each.type]), filename) if each.type in certain else each for each in layers
    )


def of_compile(filename: str | None) -> dict[str, Source]:
    """The line of the only call of compile() in a file, and those of its arguments by name."""
    calls = [call for call in _calls(filename) if _called(call) == "compile"] if filename else []
    if filename is None or len(calls) != 1:
        return {}
    given = [
        *zip(("optimizer", "loss"), calls[0].args, strict=False),
        *((each.arg, each.value) for each in calls[0].keywords),
    ]
    return {"compile": place(filename, calls[0].lineno)} | {
        name: place(filename, value.lineno) for name, value in given if name
    }


def _with_lines(layer: Layer, call: ast.Call, filename: str) -> Layer:
    sources = {each.arg: place(filename, each.value.lineno) for each in call.keywords if each.arg}
    return dataclasses.replace(layer, source=place(filename, call.lineno), sources=sources)


@functools.cache
def _calls(filename: str) -> tuple[ast.Call, ...]:
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError, RecursionError):
        return ()
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return tuple(sorted(calls, key=lambda call: (call.func.end_lineno or 0, call.func.end_col_offset or 0)))


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", None) or getattr(call.func, "id", "")
