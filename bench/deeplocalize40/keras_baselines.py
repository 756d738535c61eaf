"""When Keras's own callbacks would have stopped a training: TerminateOnNaN and EarlyStopping, as the paper used them.

The unchanged script runs with the real callbacks added to its `fit` from outside. Each is given a stand-in for the model,
on which it sets `stop_training` to no effect, so that one run answers for all of them.
"""

from __future__ import annotations

import functools
import runpy
from typing import Any

NAMES = ("TerminateOnNaN", "EarlyStopping(loss)", "EarlyStopping(accuracy)")


class _StandIn:
    """The model, but for `stop_training`, which is its own."""

    def __init__(self, model: Any) -> None:
        self.__dict__ |= {"_model": model, "stop_training": False}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def observer_class() -> type:
    """The class of the callback that watches the others."""
    import keras

    class Observer(keras.callbacks.Callback):
        """Passes on to callbacks what it is told, and notes when each would have stopped: {name: [epoch, step]}."""

        def __init__(self) -> None:
            super().__init__()
            stop = keras.callbacks.EarlyStopping
            made = (keras.callbacks.TerminateOnNaN(), stop("loss", patience=0), stop("accuracy", patience=0))
            self.inner = dict(zip(NAMES, made, strict=True))
            self.stopped: dict[str, list[int]] = {}
            self.epoch, self.step, self.epochs = 0, 0, 0

        def on_train_begin(self, logs: Any = None) -> None:
            self.epochs = self.params["epochs"]
            for callback in self.inner.values():
                callback.set_params(self.params)
                callback.set_model(_StandIn(self.model))
                callback.on_train_begin(logs)

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch = epoch

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self._tell("on_batch_end", batch, logs)
            self.step += 1

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self._tell("on_epoch_end", epoch, logs)

        def _tell(self, method: str, index: int, logs: Any) -> None:
            for name, callback in self.inner.items():
                if name not in self.stopped:
                    getattr(callback, method)(index, logs)
                    if callback.model.stop_training:
                        self.stopped[name] = [self.epoch, self.step]

    return Observer


def observed(observer: Any, script: str) -> None:
    """Run a script with the observer added to its every `fit`."""
    import keras

    original = keras.Model.fit

    @functools.wraps(original)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs["callbacks"] = [*(kwargs.get("callbacks") or []), observer]
        return original(self, *args, **kwargs)

    keras.Model.fit = fit
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        keras.Model.fit = original


def verdicts(stopped: dict[str, list[int]], epochs: int) -> dict[str, int | None]:
    """The step at which each baseline, and their union, detects a fault: it stops before the last epoch, or on NaN."""
    found: dict[str, int | None] = {}
    for name in NAMES:
        epoch, step = stopped.get(name, (epochs, None))
        found[name] = step if name == "TerminateOnNaN" or epoch < epochs - 1 else None
    steps = [step for step in found.values() if step is not None]
    return found | {"union": min(steps, default=None)}
