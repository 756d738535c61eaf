"""What is done to models before they are trained: weights are loaded into them, or kept with half the digits."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import nn

from deeplocalize.frameworks.source import CallSite, user_call
from deeplocalize.frameworks.torch import references
from deeplocalize.frameworks.torch.models import Model
from deeplocalize.frameworks.torch.wrap import Wraps
from deeplocalize.trace.schema import Source
from deeplocalize.trace.weights import Loading

_LOADS: weakref.WeakKeyDictionary[nn.Module, Loading] = weakref.WeakKeyDictionary()
"""The latest loading of each module, oldest first. Models are loaded before it is known that they will be trained."""

_HALVED: weakref.WeakKeyDictionary[nn.Module, CallSite] = weakref.WeakKeyDictionary()
"""The call that turned a module's parameters into numbers of 16 bits."""

HALVES = (torch.bfloat16, torch.float16)

MOST_NAMES = 64


def watch(wraps: Wraps, models: Callable[[], Iterable[Model]]) -> None:
    """Note every loading and conversion from now on, until what `wraps` wrapped is put back; `models` are all that are known."""

    def begins(module: nn.Module, state_dict: Mapping[str, Any], *_: Any, **__: Any) -> None:
        references.given_back(module, state_dict, models())

    def loaded(result: Any, module: nn.Module, state_dict: Mapping[str, Any], *_: Any, **__: Any) -> None:
        site = user_call(sys._getframe(2))
        loading = _loaded(result, module, state_dict, site.source if site else None)
        if loading.missing and loading.unexpected:
            _tell_the_original(loading, module, models())
        references.weights_changed()

    wraps.wrap(nn.Module, "load_state_dict", begins, loaded, with_result=True)
    references.watch(wraps)
    for name in ("to", "half", "bfloat16"):
        wraps.wrap(nn.Module, name, after=_converted)
    wraps.later(_LOADS.clear)
    wraps.later(_HALVED.clear)


def _loaded(result: Any, module: nn.Module, state_dict: Mapping[str, Any], source: Source | None) -> Loading:
    missing, unexpected = result.missing_keys, result.unexpected_keys
    found = len(state_dict) - len(unexpected)
    if found > 0:
        for other in [each for each in _LOADS if _overlap(each, module)]:
            del _LOADS[other]
    _LOADS.pop(module, None)
    _LOADS[module] = Loading(found, len(missing), len(unexpected), source, *_alike(unexpected, missing))
    return _LOADS[module]


def _tell_the_original(loading: Loading, module: nn.Module, models: Iterable[Model]) -> None:
    """A module that is not trained was given names that do not fit. If it has the form of a part of a model that is trained, it
    was to go on as that one."""
    form = _form(module)
    for model in models:
        parts = list(model.root.modules()) if model.root is not None and model.trained else []
        if not any(part is module for part in parts) and any(_form(part) == form for part in parts):
            model.copies.append(loading)


def _form(module: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(each.shape) for each in module.parameters()]


def _converted(module: nn.Module, *_: Any, **__: Any) -> None:
    first = next(module.parameters(), None)
    site = user_call(sys._getframe(2)) if first is not None and first.dtype in HALVES else None
    if site is not None:
        _HALVED.setdefault(module, site)
    else:
        _HALVED.pop(module, None)


def halved(models: Iterable[Model]) -> Source | None:
    """The line that turned the parameters of one of these models, or of a part of it, into numbers of 16 bits."""
    parts = (part for model in models if _HALVED and model.root is not None for part in model.root.modules())
    return next((_HALVED[part].source for part in parts if part in _HALVED), None)


def of(models: Iterable[Model]) -> tuple[Loading, ...]:
    """The loadings of these models and of parts of them."""
    return tuple(_of(models)) if _LOADS else ()


def _of(models: Iterable[Model]) -> Iterator[Loading]:
    parts = {id(part) for model in models if model.root is not None for part in model.root.modules()}
    yield from (loading for module, loading in _LOADS.items() if id(module) in parts)


def _overlap(one: nn.Module, other: nn.Module) -> bool:
    return any(part is other for part in one.modules()) or any(part is one for part in other.modules())


def _alike(unexpected: Collection[str], missing: Collection[str]) -> tuple[str | None, str | None]:
    """A loaded name without a place, and the name that it would have in the model, where they differ in a prefix."""
    for given in list(unexpected)[:MOST_NAMES]:
        for wanted in list(missing)[:MOST_NAMES]:
            if given.endswith(f".{wanted}") or wanted.endswith(f".{given}"):
                return given, wanted
    return next(iter(unexpected), None), next(iter(missing), None)
