"""Which modules of a process are models, which are their layers, and which have nothing to watch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.frameworks.torch.models import Model
from deeplocalize.frameworks.torch.wrap import Sites


class Modules:
    """Every module that was called, once it was looked at.

    A model is a module that the program calls itself, not from inside another one.

    Attributes:
        models: by the id of the module, the model it is; a compiled model under both of its modules.
        layers: by the id of a module, the model it is in and its layer there; (None, None) for a loss.
        ignored: ids of modules with nothing to watch.
        idle: by the id of a module, the model it is in and its layer there, while it is not recorded.
        active: the models in whose forward pass the program is, innermost last.
    """

    def __init__(self, sites: Sites, on_found: Callable[[Model], None], on_grown: Callable[[Model], None]) -> None:
        """`on_found` is told of each new model, `on_grown` of a model that has layers it did not have before."""
        self.models: dict[int, Model] = {}
        self.layers: dict[int, tuple[Model | None, LayerState | None]] = {}
        self.ignored: set[int] = set()
        self.idle: dict[int, tuple[Model, LayerState]] = {}
        self.active: list[Model] = []
        self._sites = sites
        self._on_found = on_found
        self._on_grown = on_grown

    def all_models(self) -> list[Model]:
        """Every model once."""
        return list(dict.fromkeys(self.models.values()))

    def look_at(self, module: nn.Module) -> None:
        """A module that is not known yet is called."""
        if isinstance(module, nn.modules.loss._Loss):
            self.layers[id(module)] = (None, None)
        elif not any(True for _ in module.parameters()) or isinstance(module, torch.jit.ScriptModule):
            for each in module.modules():
                if not isinstance(each, nn.modules.loss._Loss):
                    self._ignore(each)
        elif self.active:
            self._grow(self.active[-1], module)
        elif isinstance(inner := getattr(module, "_orig_mod", None), nn.Module):
            self._take_compiled(module, inner)
        else:
            model = Model(module, self._sites.of, self.idle)
            self._know(module, model)
            self.models[id(module)] = model
            self._on_found(model)

    def forget(self, key: int) -> None:
        """The module with this id is gone."""
        self.layers.pop(key, None)
        self.models.pop(key, None)
        self.idle.pop(key, None)
        self.ignored.discard(key)

    def look_again(self, model: Model) -> None:
        """Forget what is known of a model, so that the next call of its module shows how it is built by then."""
        self.models = {key: each for key, each in self.models.items() if each is not model}
        for found in (self.layers, self.idle):
            for key in [key for key, value in found.items() if value[0] is model]:
                del found[key]

    def _grow(self, model: Model, module: nn.Module) -> None:
        """A model calls a module that it did not have when it was first called, or that is not registered in it."""
        model.add_layers_of(module, self._sites.of)
        self._know(module, model)
        self._on_grown(model)

    def _take_compiled(self, module: nn.Module, inner: nn.Module) -> None:
        """torch.compile: the layers are those of the module inside."""
        if id(inner) not in self.models:
            self.look_at(inner)
        self.models[id(module)] = self.models[id(inner)]
        self.layers[id(module)] = (self.models[id(inner)], None)

    def _know(self, module: nn.Module, model: Model) -> None:
        for each in module.modules():
            key = id(each)
            self.layers[key] = (model, model.by_id.get(key))
            self.idle.pop(key, None)
            self.ignored.discard(key)
            self.models.pop(key, None)
            if each not in self._sites:
                self._sites.note(each, None)

    def _ignore(self, module: nn.Module) -> None:
        key = id(module)
        if key not in self.layers:
            self.ignored.add(key)
            if module not in self._sites:
                self._sites.note(module, None)
