"""Weights that were loaded into models by the names of their layers: how many of the names were found."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

from deeplocalize.frameworks.source import CallSite
from deeplocalize.trace.weights import Loading


class Loads:
    """The latest loading by name of each model. Loading by position, and Keras's own format, refuse what does not fit."""

    def __init__(self) -> None:
        self._loads: weakref.WeakKeyDictionary[Any, Loading] = weakref.WeakKeyDictionary()

    def loaded(self, model: Any, path: Any, by_name: bool, site: CallSite | None) -> None:
        """`model.load_weights(path)` came to its end."""
        if not by_name:
            self._loads.pop(model, None)
        elif (file := _tensors_by_layer(path)) is not None:
            own = {layer.name: len(layer.weights) for layer in model.layers if layer.weights}
            known = own.keys() & file.keys()
            found = sum(own[name] for name in known)
            self._loads[model] = Loading(
                found,
                sum(own.values()) - found,
                sum(file.values()) - sum(file[name] for name in known),
                site.source if site else None,
                next((name for name in file if name not in own), None),
                next((name for name in own if name not in file), None),
            )

    def of(self, model: Any) -> tuple[Loading, ...]:
        """The loadings of a model and of the models in it."""
        return tuple(self._of(model)) if self._loads else ()

    def _of(self, model: Any) -> Iterator[Loading]:
        yield from (self._loads[each] for each in model._flatten_layers() if each in self._loads)


def _tensors_by_layer(path: Any) -> dict[str, int] | None:
    """How many tensors a file of the old HDF5 format has for each layer that has any; None if it is none."""
    import h5py

    with h5py.File(str(path), "r") as file:
        group = file["model_weights"] if "layer_names" not in file.attrs and "model_weights" in file else file
        if "layer_names" not in group.attrs:
            return None
        names = [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs["layer_names"]]
        sizes = {name: len(group[name].attrs.get("weight_names", ())) for name in names}
    return {name: size for name, size in sizes.items() if size}
