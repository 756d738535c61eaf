"""What the probe does differently on Keras's tensorflow backend, where a step is a graph that was traced once."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deeplocalize.frameworks.keras import statistics
from deeplocalize.frameworks.keras.sites import direct_call
from deeplocalize.frameworks.replaced import replaced
from deeplocalize.frameworks.source import CallSite

Observe = Callable[[Any], None]

OUR_FILES = frozenset(map(str, Path(__file__).parent.glob("*.py")))

STATEFUL_RANDOM = frozenset(
    [
        "RandomUniform",
        "RandomUniformInt",
        "RandomStandardNormal",
        "TruncatedNormal",
        "ParameterizedTruncatedNormal",
        "RandomShuffle",
        "Multinomial",
        "RandomGamma",
        "RandomPoisson",
        "RandomPoissonV2",
    ]
)
"""Operations that take their seed from the number of operations before them and keep a counter in their own graph."""


def scope_of(_: Any) -> Any:
    """The graph that is being traced, None when running eagerly."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def usable(value: Any, scope: Any) -> bool:
    """True if the value belongs to the step's graph, not to one inside it (a loop's body, a function of the user's)."""
    return isinstance(value, tf.Tensor) and getattr(value, "graph", None) is scope


def detached(value: Any) -> Any:
    """The value without its history."""
    return tf.stop_gradient(value)


def kept(sample: Any) -> Any:
    """A sample that stays as it is."""
    return sample


class GradientTaps:
    """Sees d loss / d value of chosen values: asks the user's tape for them along with what the user asks for.

    Nothing is put in between the layers, because tensorflow's losses look at which operation made their input. `called`: where
    a step of the user's own asks for gradients.
    """

    def __init__(self, see_target: Observe) -> None:
        self.called: CallSite | None = None
        self._see_target = see_target
        self._tapped: list[tuple[Any, Observe]] = []

    def tap(self, value: Any, observe: Observe, _: Any = None) -> Any:
        """Have `observe` called with the gradient when it is there. Returns the value to go on with."""
        self._tapped.append((value, observe))
        return value

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """While this is entered, GradientTape.gradient is asked for more than the user asks for."""
        with replaced(tf.GradientTape, "gradient", self._gradient):
            yield
        self._tapped.clear()

    def _gradient(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
            self.called = self.called or direct_call(sys._getframe(1))  # Keras's own step calls it, too
            self._see_target(target)
            mine = list(self._tapped)
            found, extra = original(tape, target, (sources, [value for value, _ in mine]), *args, **kwargs)
            for (_, observe), each in zip(mine, extra, strict=True):
                if each is not None:
                    observe(tf.stop_gradient(dense(each)))
            return found

        return gradient


def dense(gradient: Any, like: Any = None) -> Any:
    """A gradient as an ordinary tensor; that of an embedding comes as slices. The graph may not know its whole shape: it is
    that of the variable, `like`."""
    if isinstance(gradient, tf.IndexedSlices):
        gradient = tf.math.unsorted_segment_sum(gradient.values, gradient.indices, gradient.dense_shape[0])
    return gradient if like is None or gradient.shape.is_fully_defined() else tf.ensure_shape(gradient, like.shape)


def compact(gradient: Any) -> Any:
    """A gradient's numbers, without the zeros between slices."""
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


class Suspicion:
    """Tensors of which to tell how many elements are not finite, and a sum that is not finite if there are any."""

    def __init__(self, *values: Any) -> None:
        self.values = values
        self.total = tf.add_n([tf.reduce_sum(tf.cast(each, tf.float32)) for each in values])

    def __add__(self, other: Suspicion) -> Suspicion:
        return Suspicion(*self.values, *other.values)

    def exact(self) -> Any:
        """How many elements are not finite."""
        return sum(map(statistics.count_nonfinite, self.values))


def suspicion(*values: Any) -> Any:
    """Number of NaN and infinite elements: a sum takes one pass; :func:`vector` counts only if one is not finite."""
    found = Suspicion(*map(tf.stop_gradient, values))
    if tf.executing_eagerly():
        return tf.cond(tf.math.is_finite(found.total), lambda: 0.0, found.exact)
    return found


count = suspicion


def vector(numbers: list[Any]) -> Any:
    """The numbers as one tensor."""
    suspects = [each for each in numbers if isinstance(each, Suspicion)]
    if suspects:
        clear = tf.reduce_all(tf.math.is_finite(tf.stack([each.total for each in suspects])))
        counts = tf.cond(
            clear, lambda: tf.zeros([len(suspects)]), lambda: tf.stack([each.exact() for each in suspects])
        )
        exact = iter(tf.unstack(counts, len(suspects)))
        numbers = [next(exact) if isinstance(each, Suspicion) else each for each in numbers]
    return tf.stack([tf.cast(each, tf.float32) for each in numbers])


def hidden_frames() -> contextlib.AbstractContextManager[Any]:
    """While this is entered, operations remember the user's stack without our frames: it is part of their errors' text."""
    try:
        from tensorflow.python.util import tf_stack

        class Ours(tf_stack.StackTraceFilter):  # type: ignore[misc]
            def get_filtered_filenames(self) -> frozenset[str]:
                return OUR_FILES | (self.parent.get_filtered_filenames() if self.parent is not None else frozenset())

        return Ours()
    except (ImportError, AttributeError):  # it is no public part of tensorflow
        return contextlib.nullcontext()


def ready(tensor: Any) -> bool:
    """True if the tensor can be read without waiting."""
    return "CPU" in tensor.device


def untouched(error: Exception, _: Any) -> bool:
    """True if a failed step executed nothing: it failed while it was traced."""
    return not isinstance(error, tf.errors.OpError)


def build(model: Any, arguments: tuple[Any, ...]) -> None:
    """Have Keras build the model, its metrics and its optimizer, as it does by itself on the other backends.

    Raises:
        NotImplementedError: the train step is the user's own, and it may mean the optimizer for other variables.
    """
    if not type(model).train_step.__module__.startswith("keras."):
        raise NotImplementedError
    (data,) = arguments
    batch = data.element_spec if reads_in_graph(data) else next(iter(data))
    model._symbolic_build(data_batch=batch)


def applied(_: Any) -> None:
    """Nothing to remember: gradients are values here, and none is added to another unasked."""


def is_stale(_: Any) -> float | None:
    """Nothing is known of it; see `applied`."""
    return None


def is_on_cpu() -> bool:
    """True if the training runs on no accelerator."""
    return bool(not tf.config.get_visible_devices("GPU"))


def copies(model: Any, _: tuple[Any, ...]) -> list[Any]:
    """The values of a model's trained variables, its others and its optimizer's."""
    variables = [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(each)) for each in variables]


def with_values(_: Any, __: Any) -> contextlib.AbstractContextManager[None]:
    """The variables have their values also during a training."""
    return contextlib.nullcontext()


def reads_in_graph(data: Any) -> bool:
    """True if a batch is taken from its iterator by the step itself."""
    return isinstance(data, tf.data.Iterator | tf.distribute.DistributedIterator)


def check(scope: Any) -> None:
    """Refuse a graph that draws random numbers whose sequence depends on the graph itself, if the user wants that sequence.

    Raises:
        NotImplementedError: the program draws such numbers, after tf.random.set_seed.
    """
    if (
        scope is not None
        and scope.seed is not None
        and any(each.type in STATEFUL_RANDOM for each in scope.get_operations())
    ):
        raise NotImplementedError(
            "the model draws numbers with tf.random, which another graph would draw in another order"
        )


def traces(model: Any) -> bool:
    """True if a step is a graph that is traced before it runs."""
    return not model.run_eagerly
