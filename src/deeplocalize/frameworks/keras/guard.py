"""Running hooks so that a failure of ours is noted and goes no further."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deeplocalize.frameworks.session import Session


class Guard:
    """Runs hooks contained by a session, without building a wrapper for each of the many calls."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._contained: dict[str, Callable[..., Any]] = {}

    def __call__(self, stage: str, hook: Callable[..., Any], *args: Any) -> Any:
        """Call the hook; an exception in it is noted as a failure of `stage`, and the result is None."""
        run = self._contained.get(stage)
        if run is None:
            run = self._contained[stage] = self.session.contained(stage)(_run)
        return run(hook, *args)


def _run(hook: Callable[..., Any], *args: Any) -> Any:
    return hook(*args)
