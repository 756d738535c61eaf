"""What the probe does differently on Keras's jax backend, where a step is a pure function that was traced once."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from deeplocalize.frameworks.keras import statistics
from deeplocalize.frameworks.keras.sites import direct_call
from deeplocalize.frameworks.replaced import replaced
from deeplocalize.frameworks.source import CallSite

Observe = Callable[[Any], None]


def scope_of(arguments: Any) -> Any:
    """The trace that the step's arguments belong to, None when running eagerly."""
    return next((trace for each in jax.tree.leaves(arguments) if (trace := _trace(each)) is not None), None)


def usable(value: Any, scope: Any) -> bool:
    """True if the value belongs to the step itself, not to a function traced inside it (a loop's body, a checkpoint)."""
    return isinstance(value, jax.Array) and _trace(value) is scope


def _trace(value: Any) -> Any:
    return getattr(value, "_trace", None)


def detached(value: Any) -> Any:
    """The value without its history: under jax.grad this is the value of the surrounding computation."""
    return jax.lax.stop_gradient(value)


def kept(sample: Any) -> Any:
    """A sample that stays as it is."""
    return sample


class GradientTaps:
    """Sees d loss / d value of chosen values: an identity whose backward rule is handed the gradient.

    The rule runs while the gradient is traced, as part of the step, so what it sees can be returned from the step. The
    value that the gradient is taken of is seen where jax.value_and_grad returns it. `called`: where a step of the user's own
    asks for it.
    """

    def __init__(self, see_target: Observe) -> None:
        self.called: CallSite | None = None
        self._see_target = see_target

    def tap(self, value: Any, observe: Observe, trained: Any = None) -> Any:
        """Have `observe` called with the gradient when it is there. Returns the value to go on with.

        `trained`: a variable that the gradient is taken of. JAX goes back to a value of which none depends only if told
        that this one does; the variable's own gradient stays what it is.
        """
        return _tap(observe, value, None if trained is None else trained.value)

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """While this is entered, what jax.value_and_grad returns is seen."""
        with replaced(jax, "value_and_grad", self._value_and_grad):
            yield

    def _value_and_grad(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def value_and_grad(*args: Any, **kwargs: Any) -> Callable[..., Any]:
            function = original(*args, **kwargs)

            @functools.wraps(function)
            def call(*args: Any, **kwargs: Any) -> Any:
                self.called = self.called or direct_call(sys._getframe(1))  # Keras's own step calls it, too
                value, gradient = function(*args, **kwargs)
                self._see_target(value[0] if isinstance(value, tuple) else value)
                return value, gradient

            return call

        return value_and_grad


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _tap(_: Observe, value: Any, __: Any) -> Any:
    return value


def _forward(_: Observe, value: Any, __: Any) -> tuple[Any, None]:
    return value, None


def _backward(observe: Observe, _: None, gradient: Any) -> tuple[Any, None]:
    observe(gradient)
    return gradient, None  # None stands for no gradient at all, not for zeros to be added


_tap.defvjp(_forward, _backward)


def dense(gradient: Any, _: Any = None) -> Any:
    """A gradient as an ordinary tensor."""
    return gradient


compact = dense


def suspicion(*values: Any) -> Any:
    """Number of NaN and infinite elements; the compiler makes it part of the loop that computes the values."""
    return sum(statistics.count_nonfinite(jax.lax.stop_gradient(each)) for each in values)


def vector(numbers: list[Any]) -> Any:
    """The numbers as one tensor."""
    return jnp.stack([jnp.asarray(each, jnp.float32) for each in numbers])


hidden_frames = contextlib.nullcontext
"""Errors of this backend have no text that names the frames of an earlier trace."""


def ready(tensor: Any) -> bool:
    """True if the tensor can be read without waiting."""
    return bool(tensor.is_ready())


def untouched(_: Exception, arguments: Any) -> bool:
    """True if a failed step executed nothing: the state it was given is still there."""
    return not any(each.is_deleted() for each in jax.tree.leaves(arguments[0]) if isinstance(each, jax.Array))


def applied(_: Any) -> None:
    """Nothing to remember: gradients are values here, and none is added to another unasked."""


def is_stale(_: Any) -> float | None:
    """Nothing is known of it; see `applied`."""
    return None


def is_on_cpu() -> bool:
    """True if the training runs on no accelerator."""
    return bool(jax.default_backend() == "cpu")


def copies(_: Any, state: tuple[Any, ...]) -> list[Any]:
    """The values of a model's trained variables, its others and its optimizer's before a step, which uses them up."""
    return [jnp.copy(each) for part in state[0][:3] for each in part]


@contextlib.contextmanager
def with_values(variables: Sequence[Any], values: Sequence[Any]) -> Iterator[None]:
    """While this is entered, variables have these values: Keras takes them out of the variables while it trains."""
    before = [each._value for each in variables]
    try:
        for variable, value in zip(variables, values, strict=False):
            variable._value = value
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable._value = value


def reads_in_graph(_: Any) -> bool:
    """True if a batch is taken from its iterator by the step itself."""
    return False


def check(_: Any) -> None:
    """Nothing to object to."""


count = suspicion


def build(_: Any, __: Any) -> None:
    """Keras builds everything by itself before the first step."""


def traces(model: Any) -> bool:
    """True if a step is traced before it runs."""
    return bool(model.jit_compile) and not model.run_eagerly
