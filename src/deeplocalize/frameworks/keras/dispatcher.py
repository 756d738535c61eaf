"""What stands in the place of a model's train function: for each step it chooses between two variants of the user's own.

The *light* variant returns, besides what the user's train step returns, the loss, the learning rate and whether values
are finite; the *full* variant all statistics. Both are made by Keras itself, by the model's own make_train_function, of the
model's own train_step; each is compiled once. A variant that cannot be made or traced gives way to the user's plain
function, on the same batch: nothing was executed then.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import keras
from keras import tree

from deeplocalize.frameworks.keras.describe import Leaves
from deeplocalize.frameworks.keras.observation import Observation
from deeplocalize.frameworks.keras.statistics import Key
from deeplocalize.frameworks.replaced import replaced
from deeplocalize.frameworks.session import leave_traceback

if TYPE_CHECKING:
    from deeplocalize.frameworks.keras.training import Training

EXTRAS = "deeplocalize"


class Dispatcher:
    """A train function: called by fit and train_on_batch once for each execution.

    Attributes:
        plain: the train function of the user's program, as Keras made it.
        last: the latest observation of a step from inside.
    """

    def __init__(self, model: Any, training: Training, on: Any) -> None:
        self.model = model
        self.plain = model.train_function
        self.training = training
        self.leaves = Leaves(model, training.shown)
        self.last: Observation | None = None
        self._layouts: dict[tuple[Key, ...], int] = {}
        self._on = on
        self._built = False
        self._variants: dict[bool, Callable[..., Any] | None] = {}
        self._printed: set[str | None] = set()
        if reason := _out_of_reach(model):
            self._give_up(reason)

    def __call__(self, *args: Any) -> Any:
        """Run a step, or the several that Keras executes at once."""
        self.training.stop_if_asked()
        full = self.training.begin_step()
        given, batches = self._kept(args)
        try:
            outputs, extras = self._run(given, batches, full)
        except BaseException as error:
            self.training.stage = self.last.stage if self.last is not None else None
            leave_traceback(error)
            raise
        self.training.end_step(self, outputs, extras, full)
        return outputs

    @property
    def keys_of(self) -> tuple[tuple[Key, ...], ...]:
        """What the numbers of a step's vector are, by the vector's first number."""
        return tuple(self._layouts)

    def _give_up(self, reason: str) -> None:
        self._variants = {True: None, False: None}
        self.training.failed("layers", f"watched from outside: {reason}")

    # ---- running ------------------------------------------------------------------------------------------------

    def _run(
        self, args: Callable[[], tuple[Any, ...]], batches: list[Any], full: bool
    ) -> tuple[Any, dict[str, Any] | None]:
        full = full and self._variant(True) is not None
        variant = self._variant(full)
        if variant is None or (self._traces and not self._is_built(args)):
            return self.plain(*args()), None
        given, failure = args(), None
        self.training.safe("replay", self.training.hold, self.model, given[:-1], batches)
        try:
            return _separated(variant(*given))
        except Exception as error:
            leave_traceback(error)
            if not self._untouched(error, given):
                raise
            failure = error
        # If the failure was the user's own, it is raised again here, by their own function.
        outputs = self.plain(*args())
        self._variants[full] = None
        self.training.failed("train step", failure)
        return outputs, None

    @property
    def _traces(self) -> bool:
        """True if a step is traced before it runs, False if it is Python that runs each time."""
        return bool(self._on.traces(self.model))

    def _is_built(self, args: Callable[[], tuple[Any, ...]]) -> bool:
        """True if a variant can be traced: variables that are made while tracing are lost if the tracing fails.

        What cannot be built beforehand is built by the plain function, which then runs for once.
        """
        if self._built:
            return True
        self._built = True
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
            self._on.build(self.model, args())
            return True
        return False

    def _untouched(self, error: Exception, args: tuple[Any, ...]) -> bool:
        """True if the step failed before anything was executed, so that it can be run another way."""
        return self._traces and not isinstance(error, StopIteration) and self._on.untouched(error, args)

    def _kept(self, args: tuple[Any, ...]) -> tuple[Callable[[], tuple[Any, ...]], list[Any]]:
        """The arguments, as often as they are needed: a batch taken from a Python iterator is gone from it. And the
        batches, if they are known before the step."""
        *state, data = args
        if isinstance(data, list) or not isinstance(data, Iterator) or self._on.reads_in_graph(data):
            return lambda: args, data if isinstance(data, list) else []
        batches = list(itertools.islice(data, self.model.steps_per_execution))
        return lambda: (*state, iter(batches)), batches

    # ---- making the variants ------------------------------------------------------------------------------------

    def _variant(self, full: bool) -> Callable[..., Any] | None:
        if full not in self._variants:
            self._variants[full] = self.training.safe("train step", self._make, full)
        return self._variants[full]

    def _make(self, full: bool) -> Callable[..., Any]:
        model, step = self.model, self._watched_step(full)
        if keras.backend.backend() == "torch":  # there a train function looks up train_step each time it runs
            return functools.partial(self._with_step, step)
        current = model.train_function
        try:
            with replaced(model, "train_step", lambda _: step):
                model.train_function = None
                model.make_train_function()
                return model.train_function
        finally:
            model.train_function = current

    def _with_step(self, step: Callable[..., Any], data: Any) -> Any:
        with replaced(self.model, "train_step", lambda _: step):
            return self.plain(data)

    def _watched_step(self, full: bool) -> Callable[..., Any]:
        original = self.model.train_step

        def train_step(*args: Any) -> Any:
            safe = self.training.safe
            self.last = seen = safe("train step", Observation, self.model, self.leaves, safe, self._on, full)
            if seen is None:
                return original(*args)
            try:
                with self._on.hidden_frames(), self._printing_once(args), seen.watching(args):
                    result = original(*args)
            except BaseException as error:
                leave_traceback(error)
                raise
            if self._traces:
                self._on.check(seen.scope)
            extras = safe("train step", seen.result, self._layouts)
            if extras is None:
                return result
            if keras.backend.backend() == "tensorflow" and self.training.holds(self.model):
                extras["batch"] = args[-1]
            if keras.backend.backend() == "jax":
                return {"logs": result[0], EXTRAS: extras}, result[1]
            return {"logs": result, EXTRAS: extras}

        return train_step

    @contextlib.contextmanager
    def _printing_once(self, args: tuple[Any, ...]) -> Iterator[None]:
        """What the user's model prints while it is traced is to appear as often as it would without us."""
        if not self._traces:
            yield
            return
        signature = self.training.safe("train step", _signature, args[-1])
        again = signature in self._printed
        self._printed.add(signature)
        with contextlib.redirect_stdout(io.StringIO()) if again else contextlib.nullcontext():
            yield


def _signature(data: Any) -> str:
    return str([(getattr(each, "shape", None), getattr(each, "dtype", None)) for each in tree.flatten(data)])


def _separated(outputs: Any) -> tuple[Any, dict[str, Any] | None]:
    """The train function's own outputs, and what was added to them."""
    state: tuple[Any, ...] | None = None
    if keras.backend.backend() == "jax" and isinstance(outputs, tuple):
        outputs, *state = outputs
    extras = None
    if isinstance(outputs, dict) and EXTRAS in outputs:
        outputs, extras = outputs["logs"], outputs[EXTRAS]
    return ((outputs, *state) if state is not None else outputs), extras


def _out_of_reach(model: Any) -> str | None:
    """Why the inside of this model's steps cannot be watched, None if it can."""
    if keras.distribution.distribution() is not None:
        return "the program trains under keras.distribution"
    if getattr(model, "_distribute_strategy", None) is not None:
        return "the program trains under tf.distribute"
    if keras.backend.backend() == "torch" and model.jit_compile:
        return "torch.compile draws other random numbers than the same step outside of it"
    nnx = getattr(keras.config, "is_nnx_enabled", None)
    if nnx is not None and nnx():
        return "the program trains with NNX"
    return None
