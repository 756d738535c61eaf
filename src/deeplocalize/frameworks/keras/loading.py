"""Weights that were loaded into models in a way that passes over what does not fit: how many of them found their place."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import Any

from deeplocalize.frameworks.source import CallSite
from deeplocalize.trace.weights import Loading


class Loads:
    """The latest loading of each model by name, or with `skip_mismatch`. All others refuse what does not fit."""

    def __init__(self) -> None:
        self._loads: weakref.WeakKeyDictionary[Any, Loading] = weakref.WeakKeyDictionary()
        self._refused: list[Any] = []

    def refused(self, errors: Mapping[int, tuple[Any, Exception]]) -> None:
        """Keras found no weights that fit these objects in the file that is being loaded."""
        self._refused = [each for each, _ in errors.values()]

    def loaded(self, model: Any, path: Any, by_name: bool, site: CallSite | None) -> None:
        """`model.load_weights(path)` came to its end."""
        self._loads.pop(model, None)
        refused, self._refused = self._refused, []
        loading = _by_name(model, path, site) if by_name else _passed_over(model, refused, path, site)
        if loading is not None:
            self._loads[model] = loading

    def of(self, model: Any) -> tuple[Loading, ...]:
        """The loadings of a model and of the models in it."""
        return tuple(self._of(model)) if self._loads else ()

    def _of(self, model: Any) -> Iterator[Loading]:
        yield from (self._loads[each] for each in model._flatten_layers() if each in self._loads)


Shapes = list[tuple[int, ...]]


def _by_name(model: Any, path: Any, site: CallSite | None) -> Loading | None:
    file = _tensors_by_layer(path)
    if file is None:
        return None
    own = {layer.name: [tuple(each.shape) for each in layer.weights] for layer in model.layers if layer.weights}
    known = [name for name in own if own[name] == file.get(name)]
    found = sum(len(own[name]) for name in known)
    return Loading(
        found,
        sum(map(len, own.values())) - found,
        sum(map(len, file.values())) - found,
        site.source if site else None,
        next((name for name in file if name not in own), None),
        next((name for name in own if name not in file), None),
    )


def _passed_over(model: Any, refused: list[Any], path: Any, site: CallSite | None) -> Loading | None:
    """A loading with `skip_mismatch` that passed over these objects; None if it passed over none."""
    own = [
        (layer, len(layer._trainable_variables + layer._non_trainable_variables)) for layer in model._flatten_layers()
    ]
    missing = [(layer, count) for layer, count in own if count and any(layer is each for each in refused)]
    if not missing:
        return None
    lacking = sum(count for _, count in missing)
    found = sum(count for _, count in own) - lacking
    given = _tensors(path)
    unexpected = lacking if given is None else max(given - found, 0)
    return Loading(found, lacking, unexpected, site.source if site else None, wanted=missing[0][0].name)


def _tensors(path: Any) -> int | None:
    """How many tensors of layers a file of Keras's own format has; None if that is not known."""
    import h5py

    if not str(path).endswith(".weights.h5"):
        return None
    names: list[str] = []
    with h5py.File(str(path), "r") as file:
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return sum("seed_generator" not in name and not name.startswith("optimizer/") for name in names)


def _tensors_by_layer(path: Any) -> dict[str, Shapes] | None:
    """The shapes of the tensors that a file of the old HDF5 format has for each layer that has any; None if it is none."""
    import h5py

    with h5py.File(str(path), "r") as file:
        group = file["model_weights"] if "layer_names" not in file.attrs and "model_weights" in file else file
        if "layer_names" not in group.attrs:
            return None
        names = [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs["layer_names"]]
        found = {name: [tuple(group[name][each].shape) for each in _weight_names(group[name])] for name in names}
    return {name: shapes for name, shapes in found.items() if shapes}


def _weight_names(group: Any) -> list[str]:
    names = group.attrs.get("weight_names", ())
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
