"""Wrapping functions of PyTorch so that nobody notices, and putting them back."""

from __future__ import annotations

import copy
import functools
import sys
import weakref
from collections.abc import Callable, Collection
from types import CodeType
from typing import Any

from deeplocalize.frameworks.session import Session, leave_traceback
from deeplocalize.frameworks.source import CallSite, user_call, user_calls


class Wraps:
    """What is wrapped at present.

    A wrapper calls the original with the same arguments, returns what it returns, and takes its own frame out of the
    traceback of whatever it raises. What runs before and after is contained: it cannot fail into the user's program.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._undo: list[Callable[[], None]] = []

    def __bool__(self) -> bool:
        return bool(self._undo)

    def wrap(
        self,
        owner: Any,
        name: str,
        before: Callable[..., Any] | None = None,
        after: Callable[..., Any] | None = None,
        with_result: bool = False,
    ) -> None:
        """Have `before` and `after` called with the arguments of ``owner.name`` (`after` with its result first, if
        `with_result`)."""
        original = getattr(owner, name)
        contained = self._session.contained(name)
        safe_before = contained(before) if before else None
        safe_after = contained(after) if after else None

        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if safe_before is not None:
                safe_before(*args, **kwargs)
            try:
                value = original(*args, **kwargs)
            except BaseException as error:
                leave_traceback(error)
                raise
            if safe_after is not None:
                given = (value, *args) if with_result else args
                safe_after(*given, **kwargs)
            return value

        self.replace(owner, name, wrapper)

    def replace(self, owner: Any, name: str, replacement: Any) -> None:
        """Put something else in the place of ``owner.name`` until `undo`."""
        original = getattr(owner, name)
        setattr(owner, name, replacement)
        self.later(lambda: setattr(owner, name, original))

    def later(self, undo: Callable[[], None]) -> None:
        """Have this called by `undo`, too."""
        self._undo.append(undo)

    def undo(self) -> None:
        """Put everything back, last first."""
        while self._undo:
            self._undo.pop()()


class Sites:
    """Which call of the user built which object; nothing is written on the objects themselves.

    Attributes:
        looks_around: the calls around it are remembered as well, of what is built from now on.
    """

    def __init__(self, on_gone: Callable[[int], None]) -> None:
        self.looks_around = False
        self._sites: dict[int, tuple[weakref.ref[Any], CallSite]] = {}
        self._around: dict[int, list[CallSite]] = {}
        self._on_gone = on_gone

    def built(self, instance: Any) -> None:
        """Call from a hook that runs right after the instance's own ``__init__``."""
        site = _construction(instance)
        if site is not None:
            self.note(instance, site)
            if self.looks_around:
                self._around[id(instance)] = user_calls(site)

    def copied(self, instance: Any, *_: Any, **__: Any) -> None:
        """Call from a hook that runs while ``copy.deepcopy`` makes the instance: it was built where the original was."""
        frame = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__") != copy.__name__:
            frame = frame.f_back  # type: ignore[assignment]
        site = self.of(frame.f_locals.get("x")) if frame is not None else None
        if site is not None:
            self.note(instance, site)

    def note(self, instance: Any, site: CallSite | None) -> None:
        """Remember an instance, with the call that built it if that is known."""
        key = id(instance)
        self._sites[key] = (weakref.ref(instance, lambda _: self._gone(key)), site)  # type: ignore[assignment]

    def __contains__(self, instance: Any) -> bool:
        return id(instance) in self._sites

    def of(self, instance: Any) -> CallSite | None:
        """The call that built an object, None if it was not seen."""
        reference, site = self._sites.get(id(instance), (None, None))
        return site if reference is not None and reference() is instance else None

    def within(self, instance: Any, functions: Collection[CodeType]) -> CallSite | None:
        """The innermost call around its construction that stands in one of these functions, None if it was not seen."""
        return next((site for site in self._around.get(id(instance), ()) if site.code in functions), None)

    def _gone(self, key: int) -> None:
        self._sites.pop(key, None)
        self._around.pop(key, None)
        self._on_gone(key)


def _construction(instance: Any) -> CallSite | None:
    """The user's call that builds `instance`: the first outside its own constructors."""
    frame = sys._getframe(2)
    while frame is not None:
        if not (frame.f_code.co_name == "__init__" and _self(frame) is instance):
            site = user_call(frame)
            inner = frame
            while inner is not None and site is not None and inner.f_code is not site.code:
                inner = inner.f_back
            if inner is None or not (inner.f_code.co_name == "__init__" and _self(inner) is instance):
                return site
            frame = inner
        frame = frame.f_back
    return None


def _self(frame: Any) -> Any:
    names = frame.f_code.co_varnames
    return frame.f_locals.get(names[0]) if names else None
