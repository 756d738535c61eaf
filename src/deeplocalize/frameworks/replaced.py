"""Putting something in the place of an attribute for a while."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """While this is entered, an attribute is what `make` makes of it.

    Instances and modules are changed past `__setattr__`, since Keras keeps track of what is set there.
    """
    own = vars(owner)
    held, before = name in own, own.get(name)
    put = functools.partial(setattr, owner) if isinstance(owner, type) else own.__setitem__
    put(name, make(getattr(owner, name)))
    try:
        yield
    finally:
        if held:
            put(name, before)
        elif isinstance(owner, type):
            delattr(owner, name)
        else:
            own.pop(name, None)
