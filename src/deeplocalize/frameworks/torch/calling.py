"""Being told of each function that is called in this thread: the hooks that Python itself has for it.

Since 3.12 that is `sys.monitoring`. Its forerunner, a profile function, must not be used there: when one returns, Python
3.12 writes the variables of the frame back, and loses those of a comprehension at the top level of a program.
"""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol

Told = Callable[[str | None, FrameType | None], None]
"""Called with the name of the function that was called, None if it is no plain one, and the frame that calls it."""

_FUNCTIONS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
)


class Hook(Protocol):
    """Can be switched on and off."""

    def start(self) -> bool:
        """Switch on; False if somebody else is in the way."""

    def stop(self) -> None:
        """Switch off."""


def hook(tell: Told) -> Hook:
    """The hook that this Python has."""
    return Monitor(tell) if hasattr(sys, "monitoring") else Profile(tell)


class Profile:
    """A profile function, up to Python 3.11."""

    def __init__(self, tell: Told) -> None:
        self._tell = tell

    def start(self) -> bool:
        """Switch on, unless the program has a profile function."""
        if sys.getprofile() is not None:
            return False
        sys.setprofile(self._see)
        return True

    def stop(self) -> None:
        """Switch off."""
        if sys.getprofile() == self._see:
            sys.setprofile(None)

    def _see(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            self._tell(getattr(argument, "__name__", None), frame)
        else:
            self._tell(frame.f_code.co_name if event == "call" else None, frame.f_back)


class Monitor:
    """`sys.monitoring`, since Python 3.12, under a number that no other tool has taken."""

    def __init__(self, tell: Told) -> None:
        self._tell = tell
        self._number: int | None = None
        self._thread = 0

    def start(self) -> bool:
        """Switch on, unless all numbers are taken."""
        monitoring: Any = sys.monitoring
        self._number = next((each for each in (3, 4, 2) if monitoring.get_tool(each) is None), None)
        if self._number is None:
            return False
        self._thread = threading.get_ident()
        monitoring.use_tool_id(self._number, "deeplocalize")
        monitoring.register_callback(self._number, monitoring.events.CALL, self._see)
        monitoring.set_events(self._number, monitoring.events.CALL)
        return True

    def stop(self) -> None:
        """Switch off and give the number back."""
        monitoring: Any = sys.monitoring
        if self._number is not None:
            monitoring.set_events(self._number, 0)
            monitoring.register_callback(self._number, monitoring.events.CALL, None)
            monitoring.free_tool_id(self._number)
        self._number = None

    def _see(self, code: Any, offset: int, called: Any, first: Any) -> None:
        # Only of functions is the name asked for: other objects may answer with code of the user's.
        if threading.get_ident() == self._thread:
            self._tell(getattr(called, "__name__", None) if isinstance(called, _FUNCTIONS) else None, sys._getframe(1))
