"""Schedulers that cut the learning rate when a quantity they are handed gets no better."""

from __future__ import annotations

import ast
import dataclasses
import re
import weakref
from typing import Any

from torch.optim.lr_scheduler import ReduceLROnPlateau

from deeplocalize.frameworks.source import CallSite
from deeplocalize.trace.monitors import Monitor

_TAKES = {"min": "down", "max": "up"}

FALL = frozenset("loss losses err error errors mse rmse mae nll cost perplexity ppl wer cer".split())
RISE = frozenset("acc accuracy accuracies auc auroc f1 precision recall iou miou dice bleu r2 psnr ssim reward".split())
"""Words in the names of quantities that get better as they fall, or as they rise."""


class Plateaus:
    """Those of a training, and what they did."""

    def __init__(self) -> None:
        self._found: list[Monitor] = []
        self._places: weakref.WeakKeyDictionary[ReduceLROnPlateau, int] = weakref.WeakKeyDictionary()
        self._before: list[float] = []

    @property
    def found(self) -> tuple[Monitor, ...]:
        """What they did so far."""
        return tuple(self._found)

    def steps(self, scheduler: ReduceLROnPlateau) -> None:
        """A scheduler is about to look at a quantity."""
        self._before = _rates(scheduler)

    def stepped(self, scheduler: ReduceLROnPlateau, value: Any, built: CallSite | None, call: CallSite | None) -> None:
        """It has looked at the value that this call handed it."""
        at = self._places.setdefault(scheduler, len(self._found))
        if at == len(self._found):
            self._found.append(_first(scheduler, built, call))
        known = self._found[at]
        if any(map(float.__lt__, _rates(scheduler), self._before)):
            best = float(scheduler.best)
            self._found[at] = dataclasses.replace(known, cuts=known.cuts + 1, best=best, value=float(value))


def _rates(scheduler: ReduceLROnPlateau) -> list[float]:
    return [float(group["lr"]) for group in scheduler.optimizer.param_groups]


def _first(scheduler: ReduceLROnPlateau, built: CallSite | None, call: CallSite | None) -> Monitor:
    name = _handed(call)
    source = (built.arguments(("optimizer", "mode")).get("mode") or built.source) if built is not None else None
    return Monitor(type(scheduler).__name__, name or "a quantity", _TAKES[scheduler.mode], better(name), source=source)


def _handed(call: CallSite | None) -> str:
    """The name of the quantity that a call hands on; empty if it is not handed on as it is, as in ``1 - accuracy``."""
    found = call.call() if call is not None else None
    given = [*found.args[:1], *(each.value for each in found.keywords if each.arg == "metrics")] if found else []
    return _name(given[0]) if given else ""


def _name(value: ast.expr) -> str:
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case (
            ast.Call(func=ast.Name(id="float"), args=[inner])
            | ast.Call(func=ast.Attribute(inner, attr="item"))
            | ast.Subscript(value=inner)  # losses[-1]
            | ast.BinOp(left=inner, op=ast.Div())  # total_loss / count
        ):
            return _name(inner)
    return ""


def better(name: str) -> str | None:
    """The direction, up or down, in which a quantity gets better by its name; None if that does not tell."""
    words = set(re.findall(r"[a-z]+\d*", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
    rises, falls = bool(words & RISE), bool(words & FALL)
    return None if rises == falls else "up" if rises else "down"
