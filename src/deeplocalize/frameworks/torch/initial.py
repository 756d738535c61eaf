"""Which line of the user's gave parameters their first values, where a function of `torch.nn.init` did."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from deeplocalize.frameworks.source import CallSite, user_call
from deeplocalize.frameworks.torch.wrap import Wraps
from deeplocalize.trace.schema import Source

_CALLS = WeakTensorKeyDictionary()
_BY_MEMORY: dict[int, CallSite] = {}
"""The latest call for a tensor; for one that is gone, such as the `.data` of a parameter, by where its values are."""


def watch(wraps: Wraps) -> None:
    """Note every such call from now on, until what `wraps` wrapped is put back."""
    for name, function in list(vars(nn.init).items()):
        if name.endswith("_") and not name.startswith("_") and callable(function):
            wraps.wrap(nn.init, name, after=_filled)
    wraps.later(_CALLS.clear)
    wraps.later(_BY_MEMORY.clear)


def _filled(tensor: Tensor, *_: Any, **__: Any) -> None:
    caller = sys._getframe(3)
    own = caller.f_globals.get("__name__", "").partition(".")[0] == "torch"
    site = None if own else user_call(caller)
    if site is not None:
        _CALLS[tensor] = _BY_MEMORY[tensor.data_ptr()] = site
    else:  # a layer's own constructor: what was there before is gone
        _CALLS.pop(tensor, None)
        _BY_MEMORY.pop(tensor.data_ptr(), None)


def lines(kernels: Iterable[Tensor]) -> dict[str, Source]:
    """The line that filled the first of these, as ``initializer``; nothing if it was not seen."""
    for tensor in kernels:
        plain = type(tensor) in (Tensor, nn.Parameter) and not tensor.is_meta
        site = (_CALLS.get(tensor) or _BY_MEMORY.get(tensor.data_ptr())) if plain else None
        if site is not None:
            return {"initializer": site.source}
    return {}
