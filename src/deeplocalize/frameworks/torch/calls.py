"""Which user line called which function, in the first step of a training only.

Python tells of every call, and nothing is changed by looking on. This is on from the first forward pass to the first
backward pass, and never where somebody else's profiler is.
"""

from __future__ import annotations

import ast
from types import FrameType

from deeplocalize.frameworks.source import CallSite, called, calls_in, user_call
from deeplocalize.frameworks.torch.calling import hook

ACTIVATION_CALLS = {
    "relu": "relu",
    "relu_": "relu",
    "clamp": "relu",
    "clamp_min": "relu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "leaky_relu": "leaky_relu",
    "elu": "elu",
    "gelu": "gelu",
    "silu": "silu",
    "softplus": "softplus",
    "logsigmoid": "log_sigmoid",
    "hardtanh": "hard_tanh",
    "exp": "exp",
}

LOSS_CALLS = {
    "cross_entropy": "cross-entropy",
    "nll_loss": "negative-log-likelihood",
    "binary_cross_entropy": "binary-cross-entropy",
    "binary_cross_entropy_with_logits": "binary-cross-entropy",
    "mse_loss": "mean-squared-error",
    "l1_loss": "mean-absolute-error",
    "smooth_l1_loss": "huber",
    "huber_loss": "huber",
    "kl_div": "kl-divergence",
}

REDUCTIONS = frozenset(("mean", "sum"))

DROPOUT_CALLS = frozenset(
    ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout", "feature_alpha_dropout")
)
"""Functions that drop units whatever mode the model is in, unless they are told about it."""

_WATCHED = frozenset(ACTIVATION_CALLS) | frozenset(LOSS_CALLS) | REDUCTIONS
_MAX_EVENTS = 500_000
_MAX_CALLS = 5_000


def _names(call: ast.Call) -> set[str | None]:
    """The keywords of a call, with None for `**`."""
    return {each.arg for each in call.keywords}


class CallLines:
    """The calls of activation and loss functions in first steps, in order, with the user's line of each.

    Attributes:
        untold: the first call of a dropout function by the user's own code that is not told whether the model is trained.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, CallSite]] = []
        self.untold: CallSite | None = None
        self._hook = hook(self._called)
        self._events = 0
        self._on = False

    def start(self) -> None:
        """Begin to watch, if nobody else is in the way and not too much was seen before."""
        if self._events < _MAX_EVENTS and not self._on:
            self._on = self._hook.start()

    def stop(self) -> None:
        """Stop until the next start."""
        if self._on:
            self._on = False
            self._hook.stop()

    def _called(self, name: str | None, frame: FrameType | None) -> None:
        """A function was called from `frame`; its name is None if it is of no kind that is looked for."""
        self._events += 1
        if self._events >= _MAX_EVENTS or len(self.calls) > _MAX_CALLS:
            self._events = _MAX_EVENTS
            self.stop()
        elif name in _WATCHED and frame is not None:
            site = user_call(frame)
            if site is not None and not any(each == name and at.is_same_call(site) for each, at in self.calls[-4:]):
                self.calls.append((name, site))
        elif name in DROPOUT_CALLS and frame is not None and self.untold is None:
            self._look_at_dropout(frame)

    def _look_at_dropout(self, frame: FrameType) -> None:
        site = user_call(frame, frame.f_back)  # layers call these functions as well, and tell them
        calls = [each for each in calls_in(site.filename) if each.lineno == site.line] if site is not None else []
        on_line = [each for each in calls if called(each) in DROPOUT_CALLS]
        if on_line and all(len(each.args) < 3 and not _names(each) & {"training", None} for each in on_line):
            self.untold = site

    def activation(self, kind: str, start: int = 0) -> CallSite | None:
        """The first call at or after position `start` that applied this nonlinearity."""
        return next((site for name, site in self.calls[start:] if ACTIVATION_CALLS.get(name) == kind), None)

    def last_activation(self, kind: str) -> CallSite | None:
        """The last call that applied this nonlinearity."""
        return next((site for name, site in reversed(self.calls) if ACTIVATION_CALLS.get(name) == kind), None)

    def loss(self, kind: str) -> tuple[str, CallSite] | None:
        """The last call of a loss function of this kind, with its name; for a loss written with operators, the last
        call that reduced something to one number."""
        called = next(((name, site) for name, site in reversed(self.calls) if LOSS_CALLS.get(name) == kind), None)
        return called or next(((kind, site) for name, site in reversed(self.calls) if name in REDUCTIONS), None)
