"""An ordinary Keras callback: ``model.fit(..., callbacks=[new(probe)])`` is all it takes to have a training watched."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deeplocalize.frameworks.keras.probe import KerasProbe


def new(probe: KerasProbe) -> Any:
    """A callback that has `probe` watch the models it is used with."""
    return callback_class()(probe)


def is_ours(callback: Any) -> bool:
    """True for a callback made here."""
    return isinstance(callback, callback_class())


@functools.cache
def callback_class() -> type:
    """The class, made on first use, since its base needs Keras.

    It has no method for batches: those would keep Keras from calling other callbacks beside the training on jax.
    """
    import keras

    class Watch(keras.callbacks.Callback):
        """Tells a probe when the training of a model and its epochs begin and end."""

        def __init__(self, probe: KerasProbe) -> None:
            super().__init__()
            self.probe = probe

        def set_model(self, model: Any) -> None:
            super().set_model(model)
            if model is not None:
                self._safe(self.probe.fit_seen, model)

        def on_train_begin(self, logs: Any = None) -> None:
            self.probe.watch(self.model)
            self._safe(lambda: self.probe.training(self.model).take_params(self.params or {}))

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self._safe(lambda: self.probe.training(self.model).begin_epoch(epoch))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self._safe(lambda: self.probe.training(self.model).end_epoch(logs or {}))

        def on_train_end(self, logs: Any = None) -> None:
            self._safe(lambda: self.probe.training(self.model).end_fit(self.model, self.probe.installed))

        def _safe(self, hook: Any, *args: Any) -> None:
            self.probe.session.contained("callback")(hook)(*args)

    return Watch
