"""States of modules that are kept without a copy: `state_dict()` hands out the weights themselves, and they go on changing."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from deeplocalize.frameworks.source import user_call
from deeplocalize.frameworks.torch import stats
from deeplocalize.frameworks.torch.models import Model
from deeplocalize.frameworks.torch.wrap import Wraps
from deeplocalize.trace.schema import Source
from deeplocalize.trace.weights import Restoring

MOST_KEPT = 64

_KEPT: dict[int, Kept] = {}
"""By the id of a tensor that stands for it, each state that was handed out and still exists, oldest first."""


@dataclass
class Kept:
    """A state that the program holds: one of its tensors, the line that asked for it, how often steps and loadings have changed
    it since, and its version after the latest of them."""

    tensor: weakref.ref[Tensor]
    source: Source | None
    version: int
    changes: int = 0


def watch(wraps: Wraps) -> None:
    """Note every state that is handed out from now on, until what `wraps` wrapped is put back."""
    wraps.wrap(nn.Module, "state_dict", after=_handed_out, with_result=True)
    wraps.later(_KEPT.clear)


def _handed_out(state: Any, module: nn.Module, *given: Any, destination: Any = None, **_: Any) -> None:
    """A part of a module adds to the state of the whole: that is not kept by itself."""
    if given or destination is not None or not isinstance(state, Mapping):
        return
    names = [name for name, each in module.named_parameters() if each.requires_grad]
    tensor = state.get(names[-1]) if names else None
    if not isinstance(tensor, Tensor) or not stats.is_plain(tensor):
        return
    site = user_call(sys._getframe(2))
    key = id(tensor)
    _KEPT.pop(key, None)
    _KEPT[key] = Kept(
        weakref.ref(tensor, lambda _: _KEPT.pop(key, None)), site.source if site else None, tensor._version
    )
    if len(_KEPT) > MOST_KEPT:
        del _KEPT[next(iter(_KEPT))]


def weights_changed() -> None:
    """A step was taken, or weights were loaded."""
    for kept in list(_KEPT.values()):
        tensor = kept.tensor()
        if tensor is not None and tensor._version != kept.version:
            kept.version, kept.changes = tensor._version, kept.changes + 1


def given_back(module: nn.Module, state: Mapping[str, Any], models: Iterable[Model]) -> None:
    """A state is about to be loaded into a module. If it is the module's own, kept while it changed, its models are told.

    What the program itself has done to the tensors since the last step, such as averaging them in place, is there to stay.
    """
    kept = next((_KEPT[id(each)] for each in state.values() if id(each) in _KEPT), None) if _KEPT else None
    tensor = kept.tensor() if kept is not None else None
    if kept is None or tensor is None or not kept.changes or tensor._version != kept.version:
        return
    own = dict(module.named_parameters())
    if not own or not all(_are_the_same(each, state.get(name)) for name, each in own.items()):
        return
    site = user_call(sys._getframe(2))
    restoring = Restoring(len(own), kept.changes, site.source if site else None, kept.source)
    held = {id(each) for each in own.values()}
    for model in models:
        if model.restored is None and held & model.parameter_ids:
            model.restored = restoring


def _are_the_same(parameter: nn.Parameter, given: Any) -> bool:
    """True if these are the same numbers in memory."""
    if not isinstance(given, Tensor) or given.shape != parameter.shape or not stats.is_plain(given):
        return False
    return given.device == parameter.device and given.data_ptr() == parameter.data_ptr()
