"""Being told of each function that is called in this thread, or of what some return: the hooks that Python itself has.

Since 3.12 that is `sys.monitoring`. Its forerunner, a profile function, must not be used there: when one returns, Python
3.12 writes the variables of the frame back, and loses those of a comprehension at the top level of a program.
"""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, Protocol

Told = Callable[[str | None, FrameType | None], None]
"""Called with the name of the function that was called, None if it is no plain one, and the frame that calls it."""

Returned = Callable[[str, FrameType, Any], None]
"""Called with the name of a function that returns, its frame, and what it returns."""

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
        self._listen(self._number)
        return True

    def stop(self) -> None:
        """Switch off and give the number back."""
        monitoring: Any = sys.monitoring
        if self._number is not None:
            self._unlisten(self._number)
            monitoring.free_tool_id(self._number)
        self._number = None

    def _listen(self, number: int) -> None:
        monitoring: Any = sys.monitoring
        monitoring.register_callback(number, monitoring.events.CALL, self._see)
        monitoring.set_events(number, monitoring.events.CALL)

    def _unlisten(self, number: int) -> None:
        monitoring: Any = sys.monitoring
        monitoring.set_events(number, 0)
        monitoring.register_callback(number, monitoring.events.CALL, None)

    def _see(self, code: Any, offset: int, called: Any, first: Any) -> None:
        # Only of functions is the name asked for: other objects may answer with code of the user's.
        if threading.get_ident() == self._thread:
            self._tell(getattr(called, "__name__", None) if isinstance(called, _FUNCTIONS) else None, sys._getframe(1))


def returns(codes: Mapping[types.CodeType, str], tell: Returned, most: int) -> Hook:
    """A hook for what the functions with these codes return; it goes off by itself after so many events of any kind, and after a
    tenth of these if one of the functions returned."""
    return ReturnMonitor(codes, tell) if hasattr(sys, "monitoring") else ReturnProfile(codes, tell, most)


class ReturnProfile(Profile):
    """A profile function that looks at the end of some functions."""

    def __init__(self, codes: Mapping[types.CodeType, str], tell: Returned, most: int) -> None:
        self._codes, self._returned, self._most, self._left = codes, tell, most, 0

    def start(self) -> bool:
        """Switch on, unless the program has a profile function."""
        self._left = self._most
        return super().start()

    def _see(self, frame: FrameType, event: str, argument: Any) -> None:
        self._left -= 1
        if self._left < 0:
            self.stop()
        elif event == "return" and (name := self._codes.get(frame.f_code)) is not None:
            self._left = min(self._left, self._most // 10)
            self._returned(name, frame, argument)


class ReturnMonitor(Monitor):
    """The same by `sys.monitoring`, which sees these functions alone and costs nothing elsewhere."""

    def __init__(self, codes: Mapping[types.CodeType, str], tell: Returned) -> None:
        super().__init__(lambda name, frame: None)
        self._codes, self._returned = codes, tell

    def _listen(self, number: int) -> None:
        monitoring: Any = sys.monitoring
        monitoring.register_callback(number, monitoring.events.PY_RETURN, self._see_return)
        for code in self._codes:
            monitoring.set_local_events(number, code, monitoring.events.PY_RETURN)

    def _unlisten(self, number: int) -> None:
        monitoring: Any = sys.monitoring
        for code in self._codes:
            monitoring.set_local_events(number, code, 0)
        monitoring.register_callback(number, monitoring.events.PY_RETURN, None)

    def _see_return(self, code: types.CodeType, offset: int, value: Any) -> None:
        if threading.get_ident() == self._thread:
            self._returned(self._codes[code], sys._getframe(1), value)
