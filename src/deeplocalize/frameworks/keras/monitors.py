"""Callbacks of Keras that watch a quantity of each epoch, and stop the training or cut the learning rate for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from deeplocalize.frameworks.keras.sites import Sites, arguments, line
from deeplocalize.trace.monitors import Monitor

_TAKES = {"min": "down", "max": "up"}


class Monitors:
    """Those of a training that were told a direction."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._watching: list[Any] = []
        self._found: dict[int, Monitor] = {}

    @property
    def found(self) -> tuple[Monitor, ...]:
        """What they did so far."""
        return tuple(self._found.values())

    def fitted(self, callbacks: Sequence[Any]) -> None:
        """fit was called with these callbacks."""
        self._watching = [each for each in callbacks if _is_told(each)]

    def epoch_ended(self, model: Any, logs: Mapping[str, Any]) -> None:
        """An epoch is over, and they have looked at its quantities."""
        for each in self._watching:
            value = logs.get(each.monitor)
            if value is not None and each.best is not None and _is_trained_by_keras(model):
                self._found[id(each)] = self._looked(each, model, float(value), float(each.best))

    def fit_ended(self, restored: bool) -> None:
        """fit is about to return; `restored`: weights were set since the last step."""
        for each in self._watching:
            if restored and getattr(each, "restore_best_weights", False) and id(each) in self._found:
                self._found[id(each)] = dataclasses.replace(self._found[id(each)], restored=True)

    def _looked(self, callback: Any, model: Any, value: float, best: float) -> Monitor:
        known = self._found.get(id(callback)) or self._first(callback, model)
        if isinstance(callback, keras.callbacks.EarlyStopping):
            return dataclasses.replace(known, stopped=callback.stopped_epoch > 0, best=best, value=value)
        if value == best or not _has_cut(callback):
            return known
        return dataclasses.replace(known, cuts=known.cuts + 1, best=best, value=value)

    def _first(self, callback: Any, model: Any) -> Monitor:
        site = self._sites.get("built", callback)
        source = arguments(site, type(callback)).get("mode") or line(site)
        better = _better(callback.monitor.removeprefix("val_"), model)
        return Monitor(type(callback).__name__, callback.monitor, _TAKES[callback.mode], better, source=source)


def _is_told(callback: Any) -> bool:
    """True for a callback of Keras's own whose direction the program gives; with a baseline it may be meant to turn round."""
    if type(callback) not in (keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau):
        return False
    return callback.mode in _TAKES and getattr(callback, "baseline", None) is None


def _is_trained_by_keras(model: Any) -> bool:
    """True if Keras gives the quantities their names, not a step of the user's own."""
    return all(getattr(type(model), name).__module__.startswith("keras.") for name in ("train_step", "test_step"))


def _has_cut(callback: Any) -> bool:
    """True if a ReduceLROnPlateau cut the rate after an epoch that was not its best: only then it begins to wait anew."""
    return bool(callback.wait == 0 and callback.cooldown_counter == callback.cooldown)


def _better(name: str, model: Any) -> str | None:
    """The direction in which a quantity gets better: a loss is minimized, and of its metrics Keras says it."""
    if name == "loss":
        return "down"
    compiled = getattr(model, "_compile_metrics", None)
    known = {each.name: getattr(each, "_direction", None) for each in getattr(compiled, "metrics", None) or ()}
    return known.get(name)
