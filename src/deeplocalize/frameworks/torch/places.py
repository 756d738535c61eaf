"""Where the tensors that a step's program is given are found again in a later step."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any

from torch import Tensor
from torch.utils import _pytree as pytree

Place = tuple[Any, ...]
"""One of

- ("call", number of the call, number of the tensor): what the program gives to a model or a loss,
- ("variable", code, name, keys): a variable of a function,
- ("early", code, name, keys): one as it was when the first model of the step was called. A function that computes the
  loss is over, and its variables are gone, when the backward pass begins.
"""

MAX_FRAMES = 12
MAX_ITEMS = 64

_HOLD_LOCALS = frozenset(("locals", "vars", "dir", "eval", "exec", "_getframe", "currentframe", "stack"))
"""Names in a function that may hold on to its own variables."""


def tensors_at(calls: list[tuple[Any, ...]], frame: FrameType | None) -> dict[Place, Tensor]:
    """The tensors that are found at each place: in the `calls` of models and losses, and from `frame` outward."""
    return dict(_everywhere(calls, frame))


def early_tensors(frame: FrameType | None) -> dict[Place, Tensor]:
    """The tensors that are found at each early place, now that the first model of a step is called."""
    return {("early", *place[1:]): tensor for place, tensor in _everywhere([], frame)}


def _everywhere(calls: list[tuple[Any, ...]], frame: FrameType | None) -> Iterable[tuple[Place, Tensor]]:
    for number, given in enumerate(calls):
        for at, leaf in enumerate(pytree.tree_leaves(given)):
            if isinstance(leaf, Tensor):
                yield ("call", number, at), leaf
    for _ in range(MAX_FRAMES):
        if frame is None:
            return
        for name, value in _variables(frame).items():
            for keys, tensor in _inside(value):
                yield ("variable", frame.f_code, name, keys), tensor
        frame = frame.f_back


def _variables(frame: FrameType) -> Mapping[str, Any]:
    """A frame's variables.

    Python before 3.13 hands out a dict that lives as long as the frame, and hands out the same one to a function that
    calls `locals()` itself. So such a function is left alone, and of any other the dict is emptied.
    """
    code = frame.f_code
    if not code.co_flags & inspect.CO_OPTIMIZED:
        return dict(frame.f_locals)
    if sys.version_info >= (3, 13):
        return dict(frame.f_locals)
    if sys.gettrace() is not None or not _HOLD_LOCALS.isdisjoint(code.co_names):
        return {}
    handed = frame.f_locals
    variables = dict(handed)
    handed.clear()
    return variables


def _inside(value: Any) -> Iterable[tuple[tuple[Any, ...], Tensor]]:
    """The tensors of data in a variable: itself, or what is in a list, tuple or dict."""
    if isinstance(value, Tensor):
        if value.grad_fn is None:
            yield (), value
        return
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping) and len(value) <= MAX_ITEMS:
        items = list(value.items())
    elif isinstance(value, list | tuple) and len(value) <= MAX_ITEMS:
        items = list(enumerate(value))
    for key, item in items:
        if isinstance(item, Tensor) and item.grad_fn is None:
            yield (key,), item
