"""The Keras probe: what is wrapped, and which training each wrapped call belongs to."""

from __future__ import annotations

import functools
import importlib
import inspect
import weakref
from collections.abc import Callable
from typing import Any

import keras

from deeplocalize.frameworks.keras import callback, crash
from deeplocalize.frameworks.keras.describe import Leaves
from deeplocalize.frameworks.keras.dispatcher import Dispatcher
from deeplocalize.frameworks.keras.sites import Sites, calling_frame
from deeplocalize.frameworks.keras.training import Training
from deeplocalize.frameworks.session import Session, leave_traceback
from deeplocalize.frameworks.source import functions_running
from deeplocalize.trace.schema import Run

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Hook = Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], Arguments | None]


class KerasProbe:
    """Watches every Keras model that is trained in this process."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._sites = Sites()
        self._undo: list[Callable[[], None]] = []
        self._trainings: list[Training] = []
        self._latest: weakref.ref[Any] | None = None
        self._error: BaseException | None = None
        self._any_built = False
        self._on: Any = None

    # ---- installing ---------------------------------------------------------------------------------------------

    def install(self) -> None:
        """Begin to watch everything that is built, compiled and fitted from now on. Idempotent."""
        if self._undo:
            return
        for owner in (keras.Operation, keras.optimizers.Optimizer, keras.losses.Loss, keras.callbacks.Callback):
            self._wrap(owner, "__init__", before=self._built)
        self._wrap(keras.Model, "compile", before=self._compiled)
        self._wrap(keras.Model, "fit", before=self._fit_begins)
        self._wrap(keras.Model, "train_on_batch", before=self._batch_begins)
        self._wrap(keras.Model, "evaluate", after=self._evaluated)
        self._wrap(keras.Model, "load_weights", after=self._weights_loaded)
        self._wrap(keras.layers.Layer, "set_weights", after=self._restored)
        self._wrap_trainable()
        self._wrap_refusals()

    @property
    def installed(self) -> bool:
        """True if the whole program is watched, not only the models that watch() was given."""
        return bool(self._undo)

    def uninstall(self) -> None:
        """Put everything back as it was."""
        while self._undo:
            self._undo.pop()()
        for training in self._trainings:
            model = training.model()
            if model is not None and isinstance(model.train_function, Dispatcher):
                model.train_function = model.train_function.plain

    def _wrap(self, owner: type, name: str, before: Hook | None = None, after: Hook | None = None) -> None:
        """Have `before` called with a method's arguments, of which it may return others, and `after` when it is over."""
        owner = next(cls for cls in owner.__mro__ if name in vars(cls))
        original = vars(owner)[name]
        begins = self.session.contained(name)(before or _nothing)
        ended = self.session.contained(name)(after or _nothing)
        probe = self

        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            args, kwargs = begins(self, original, args, kwargs) or (args, kwargs)
            try:
                result = original(self, *args, **kwargs)
            except BaseException as error:
                probe._error = error
                leave_traceback(error)
                raise
            ended(self, original, args, kwargs)
            return result

        wrapper.__signature__ = inspect.signature(original)  # Keras looks at the parameters of constructors
        setattr(owner, name, wrapper)
        self._undo.append(lambda: setattr(owner, name, original))

    def _wrap_trainable(self) -> None:
        owner = next(cls for cls in keras.layers.Layer.__mro__ if "trainable" in vars(cls))
        original, unfrozen = vars(owner)["trainable"], self.session.contained("trainable")(self._unfrozen)

        def set_trainable(layer: Any, value: Any) -> None:
            unfrozen(layer, value)
            original.fset(layer, value)

        owner.trainable = property(original.fget, set_trainable, original.fdel, original.__doc__)
        self._undo.append(lambda: setattr(owner, "trainable", original))

    def _wrap_refusals(self) -> None:
        library = keras.src.saving.saving_lib
        original = getattr(library, "_raise_loading_failure", None)  # it is no public part of Keras
        if original is None:
            return
        refused = self.session.contained("load_weights")(self._sites.loads.refused)

        def raise_loading_failure(errors: Any, warn_only: bool = False) -> None:
            try:
                original(errors, warn_only)
            except BaseException as error:
                leave_traceback(error)
                raise
            refused(errors)

        library._raise_loading_failure = raise_loading_failure
        self._undo.append(lambda: setattr(library, "_raise_loading_failure", original))

    # ---- what the program does ----------------------------------------------------------------------------------

    def _built(self, subject: Any, *_: Any) -> None:
        self._any_built = self._any_built or isinstance(subject, keras.layers.Layer | keras.optimizers.Optimizer)
        self._sites.remember("built", subject)

    def _unfrozen(self, layer: Any, value: Any) -> None:
        if value and not layer.trainable:
            self._sites.remember("unfrozen", layer)

    def _compiled(self, model: Any, *_: Any) -> None:
        self._latest = weakref.ref(model)
        self._sites.remember("compile", model)

    def _fit_begins(self, model: Any, original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        given = inspect.signature(original).bind(model, *args, **kwargs)
        given.arguments["callbacks"] = self._with_ours(given.arguments.get("callbacks"))
        self._latest = weakref.ref(model)
        self._sites.remember("fit", model)
        self.training(model).begin_fit(given.arguments, self._file(model))
        return given.args[1:], given.kwargs

    def _with_ours(self, listed: Any) -> Any:
        if isinstance(listed, keras.callbacks.CallbackList):
            if not any(callback.is_ours(each) for each in listed.callbacks):
                listed.append(callback.new(self))
            return listed
        found = list(listed) if isinstance(listed, list | tuple) else [listed] if listed is not None else []
        return found if any(callback.is_ours(each) for each in found) else [*found, callback.new(self)]

    def fit_seen(self, model: Any) -> None:
        """A callback was told of its model: what fit was called with stands on the stack."""
        self._latest = weakref.ref(model)
        self._sites.remember("fit", model)
        frame = calling_frame(model, "fit")
        if frame is not None:
            self.training(model).begin_fit(frame.f_locals, self._file(model))

    def _file(self, model: Any) -> str | None:
        site = self._sites.get("fit", model)
        return site.filename if site is not None else None

    def _batch_begins(self, model: Any, *_: Any) -> None:
        self._sites.remember("fit", model)
        self.watch(model)

    def _evaluated(self, model: Any, original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        training = self._known(model)
        if training is None:
            return
        if training.epoch is None:
            training.add_metrics(model.get_metrics_result(), "validation")
        self._sites.remember("evaluate", model)
        training.evaluated(args[0] if args else kwargs.get("x"), self._sites.get("evaluate", model))

    def _weights_loaded(self, model: Any, original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._sites.remember("load", model)
        path = args[0] if args else kwargs["filepath"]
        self._sites.loads.loaded(model, path, bool(kwargs.get("by_name")), self._sites.get("load", model))
        self._restored()

    def _restored(self, *_: Any) -> None:
        for training in self._trainings:
            training.restored = True

    # ---- trainings ----------------------------------------------------------------------------------------------

    def _known(self, model: Any) -> Training | None:
        return next((each for each in self._trainings if each.model() is model and not each.finished), None)

    def training(self, model: Any) -> Training:
        """The training of a model, however often it is fitted; to compile it for something else begins another one."""
        training = self._known(model)
        if training is not None and training.is_replaced(model):
            training.finish("completed")
            training = None
        training = training or self._continued(model)
        if training is None:
            self._on = self._on or importlib.import_module(
                f"deeplocalize.frameworks.keras.on_{keras.backend.backend()}"
            )
            training = Training(self.session, model, self._sites, self._on)
            self._trainings.append(training)
        return training

    def _continued(self, model: Any) -> Training | None:
        """The training that a model goes on with that was built in place of the one trained before it."""
        training = next((each for each in self._trainings[-1:] if each.is_continued_by(model)), None)
        if training is None:
            return None
        before = training.model()
        if before is not None and isinstance(before.train_function, Dispatcher):
            before.train_function = before.train_function.plain
        built = self._sites.within("built", model, functions_running())
        self._sites.looks_around = True
        training.continue_with(model, built or self._sites.get("built", model))
        return training

    def watch(self, model: Any) -> None:
        """Watch a model's training from now on. Idempotent."""
        self.session.contained("watch")(self._watch)(model)

    def _watch(self, model: Any) -> None:
        self._latest = weakref.ref(model)
        training = self.training(model)
        if isinstance(model.train_function, Dispatcher) or not model.compiled:
            if training.known.too_late:  # a step that is not compiled anew may raise for it
                training.describe(model, model.train_function.leaves)
            return
        model.make_train_function()
        model.train_function = dispatcher = Dispatcher(model, training, self._on)
        training.describe(model, dispatcher.leaves)

    def finish(self, ended: str, error: BaseException | None) -> None:
        """The program is over; write what is left, with what is known of the exception that ended it."""
        if error is not None and ended == "raised":
            self.session.contained("crash")(self._crashed)(error)
        for training in self._trainings:
            training.finish(ended)

    def _crashed(self, error: BaseException) -> None:
        model = self._latest() if self._latest is not None else None
        if model is None:
            if self._any_built:
                recorder = self.session.log.recorder()
                recorder.describe(
                    Run("keras", keras.backend.backend(), ended="raised", crash=crash.examine(error, (), None))
                )
                recorder.finish("raised")
            return
        training = self.training(model)
        if not training.began:
            training.describe(model, Leaves(model, training.shown))
        training.look_at_arrays()
        inside = error is self._error or training.fitting
        training.finish("raised", crash.examine(error, training.recorder.layers if inside else (), training.stage))


def _nothing(*_: Any) -> None:
    return None
