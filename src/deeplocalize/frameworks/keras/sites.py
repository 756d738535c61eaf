"""The user's lines on which layers, losses, optimizers and models were built, compiled and fitted."""

from __future__ import annotations

import inspect
import sys
import weakref
from collections.abc import Collection
from types import CodeType, FrameType
from typing import Any

from deeplocalize.frameworks.keras.loading import Loads
from deeplocalize.frameworks.source import CallSite, is_user_file, user_call, user_calls
from deeplocalize.trace.schema import Source


class Sites:
    """Remembers calls by the object they are about, as long as the object lives.

    Attributes:
        loads: those that load weights.
        count: how many were seen.
        looks_around: the calls around them are remembered as well from now on.
    """

    def __init__(self) -> None:
        self.loads = Loads()
        self.count = 0
        self.looks_around = False
        self._sites: dict[tuple[int, str], tuple[weakref.ref[Any], CallSite, int, list[CallSite]]] = {}

    def remember(self, what: str, subject: Any) -> None:
        """The call that is going on is the `what` (built, compile, fit) of `subject`. An earlier one is replaced."""
        site = outside_call(subject, sys._getframe(1))
        if site is not None:
            key = (id(subject), what)
            self.count += 1
            around = user_calls(site) if self.looks_around else []
            self._sites[key] = (weakref.ref(subject, lambda _: self._sites.pop(key, None)), site, self.count, around)

    def get(self, what: str, subject: Any) -> CallSite | None:
        """The call, if it was seen."""
        return known[1] if (known := self._known(what, subject)) is not None else None

    def _known(self, what: str, subject: Any) -> tuple[Any, CallSite, int, list[CallSite]] | None:
        known = self._sites.get((id(subject), what))
        return known if known is not None and known[0]() is subject else None

    def is_after(self, what: str, subject: Any, count: int) -> bool:
        """True if the call came after the first `count`."""
        known = self._known(what, subject)
        return known is not None and known[2] > count

    def within(self, what: str, subject: Any, functions: Collection[CodeType]) -> CallSite | None:
        """The innermost call around it, or itself, that stands in one of these functions, if it was seen."""
        known = self._known(what, subject)
        return next((site for site in known[3] if site.code in functions), None) if known is not None else None


def outside_call(subject: Any, frame: FrameType | None) -> CallSite | None:
    """The innermost call in a user's file that is not made by a method of `subject` itself (a subclass's __init__)."""
    while frame is not None:
        if is_user_file(frame.f_code.co_filename) and _first_argument(frame) is not subject:
            return user_call(frame)
        frame = frame.f_back
    return None


def _first_argument(frame: FrameType) -> Any:
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    return frame.f_locals.get(names[0]) if names else None


def arguments(site: CallSite | None, function: Any) -> dict[str, Source]:
    """The lines of a call's arguments by name; `function` is what was called (a class or a function)."""
    return site.arguments(parameter_names(function)) if site is not None else {}


def parameter_names(function: Any) -> list[str]:
    """The names of a function's or constructor's parameters, in order, without self."""
    try:
        target = function.__init__ if inspect.isclass(function) else function
        names = list(inspect.signature(target).parameters)
    except (TypeError, ValueError):
        return []
    return names[1:] if names and names[0] == "self" else names


def line(site: CallSite | None) -> Source | None:
    """The line on which a call begins."""
    return site.source if site is not None else None


def same_call(one: CallSite | None, other: CallSite | None) -> bool:
    """True if both are the same place in the same code."""
    return one is not None and other is not None and (one.code, one.instruction) == (other.code, other.instruction)


def direct_call(frame: FrameType) -> CallSite | None:
    """The call that is carried out in this very frame, if the user wrote it; None if a library does."""
    return user_call(frame) if is_user_file(frame.f_code.co_filename) else None


def own_call(model: Any, frame: FrameType | None) -> CallSite | None:
    """The call in a method of the user's own, such as a `train_step`, that leads to a frame; None if Keras alone does."""
    step = calling_frame(model, "train_step")
    return user_call(frame, until=step.f_back) if step is not None else None


def calling_frame(subject: Any, name: str) -> FrameType | None:
    """The innermost call of a method of that name of `subject` on the stack."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == name and _first_argument(frame) is subject:
            return frame
        frame = frame.f_back
    return None
