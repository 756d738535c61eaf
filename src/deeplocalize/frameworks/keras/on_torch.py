"""What the probe does differently on Keras's torch backend, where a step runs eagerly, operation by operation."""

from __future__ import annotations

import contextlib
import functools
import math
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import torch

from deeplocalize.frameworks.keras import statistics
from deeplocalize.frameworks.keras.sites import direct_call
from deeplocalize.frameworks.replaced import replaced
from deeplocalize.frameworks.source import CallSite

Observe = Callable[[Any], None]


def scope_of(_: Any) -> None:
    """The computation that a step is part of: there is but one."""
    return None


def usable(value: Any, _: None) -> bool:
    """True if the value can leave the step: any ordinary tensor can."""
    return isinstance(value, torch.Tensor)


def detached(value: Any) -> Any:
    """The value without its history."""
    return value.detach()


def kept(sample: Any) -> Any:
    """A sample that stays as it is: a layer may change the tensor in place before its statistics are computed."""
    return sample.clone()


class GradientTaps:
    """Sees d loss / d value of chosen values, by hooks on the tensors, and what `backward` is called on; `called`: where."""

    def __init__(self, see_target: Observe) -> None:
        self.called: CallSite | None = None
        self._see_target = see_target

    def tap(self, value: Any, observe: Observe, _: Any = None) -> Any:
        """Have `observe` called with the gradient when it is there. Returns the value to go on with."""
        if value.requires_grad:
            value.register_hook(lambda gradient: observe(gradient.detach()))
        return value

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """While this is entered, calls of Tensor.backward are seen."""
        with replaced(torch.Tensor, "backward", self._backward):
            yield

    def _backward(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def backward(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            self._see_target(tensor)
            self.called = self.called or direct_call(sys._getframe(1))  # Keras's own step calls it, too
            return original(tensor, *args, **kwargs)

        return backward


_APPLIED: weakref.WeakKeyDictionary[Any, tuple[weakref.ref[torch.Tensor], int]] = weakref.WeakKeyDictionary()
"""Of each model, the gradient of one variable that was applied last, and its version."""


def applied(model: Any) -> None:
    """The gradients of a model were applied just now."""
    gradient = _gradient(model)
    if gradient is None:
        _APPLIED.pop(model, None)
    else:
        _APPLIED[model] = weakref.ref(gradient), gradient._version


def is_stale(model: Any) -> float | None:
    """1 if the gradient that was applied is there as it was, to which backward will add; 0 if none is; None if that is not known."""
    gradient = _gradient(model)
    if gradient is None:
        return 0.0
    known = _APPLIED.get(model)
    return 1.0 if known is not None and known[0]() is gradient and known[1] == gradient._version else None


def _gradient(model: Any) -> Any:
    values = (each.value for each in model.trainable_variables)
    return next((each.grad for each in values if each.grad is not None), None)


def dense(gradient: Any, _: Any = None) -> Any:
    """A gradient as an ordinary tensor."""
    return gradient.to_dense() if gradient.is_sparse else gradient.detach()


compact = dense


def suspicion(*values: Any) -> Any:
    """Number of NaN and infinite elements, cheaply: on an accelerator a number that is not finite if there are any."""
    total = sum(each.detach().sum(dtype=torch.float32) for each in values)
    if total.device.type != "cpu":
        return total
    return 0.0 if math.isfinite(total.item()) else sum(statistics.count_nonfinite(each.detach()) for each in values)


def vector(numbers: list[Any]) -> Any:
    """The numbers as one tensor."""
    tensors = [each for each in numbers if isinstance(each, torch.Tensor)]
    if all(each.device.type == "cpu" for each in tensors):
        return torch.tensor([float(each) for each in numbers])
    device = tensors[0].device
    return torch.stack([torch.as_tensor(each, dtype=torch.float32, device=device).reshape(()) for each in numbers])


hidden_frames = contextlib.nullcontext
"""Errors of this backend have no text that names the frames of an earlier trace."""


def ready(tensor: Any) -> bool:
    """True if the tensor can be read without waiting."""
    return tensor.device.type == "cpu"


def untouched(_: Exception, __: Any) -> bool:
    """True if a failed step executed nothing: an eager one always did."""
    return False


def is_on_cpu() -> bool:
    """True if the training runs on no accelerator."""
    return bool(keras.src.backend.torch.core.get_device() == "cpu")


def copies(model: Any, _: tuple[Any, ...]) -> list[Any]:
    """The values of a model's trained variables, its others and its optimizer's."""
    variables = [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(each)) for each in variables]


def with_values(_: Any, __: Any) -> contextlib.AbstractContextManager[None]:
    """The variables have their values also during a training."""
    return contextlib.nullcontext()


def reads_in_graph(_: Any) -> bool:
    """True if a batch is taken from its iterator by the step itself."""
    return False


def check(_: None) -> None:
    """Nothing to object to."""


def count(*values: Any) -> Any:
    """Exact number of NaN and infinite elements."""
    if all(each.device.type == "cpu" for each in values):
        return suspicion(*values)
    return sum(statistics.count_nonfinite(each) for each in values)


def traces(_: Any) -> bool:
    """True if a step is traced before it runs; here it is Python that runs each time."""
    return False
