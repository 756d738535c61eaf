"""What a probe is given: where to record, whom to tell, and how to fail without hurting anyone."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from deeplocalize.trace.recorder import MAX_FAILURES, Recorder, TraceLog, one_line
from deeplocalize.trace.schema import Failure

P = ParamSpec("P")
R = TypeVar("R")


class TrainingStopped(SystemExit):
    """Raised inside the user's loop to end it, because the user asked to stop on a certain fault.

    It is no Exception, so that `except Exception` in a training loop does not swallow it; and as a SystemExit it ends
    the script without a traceback, through every `finally` on the way.
    """


class Session:
    """One watched process.

    Attributes:
        log: where trainings are recorded; `log.recorder()` begins one.
        failures: what failed while no training was being recorded.
        on_step: called after each optimizer step with its recorder and step number; may return True to ask the probe
            to end the training.
    """

    def __init__(self, log: TraceLog, on_step: Callable[[Recorder, int], bool] | None = None) -> None:
        self.log = log
        self.failures: list[Failure] = []
        self._on_step = on_step

    def stepped(self, recorder: Recorder, step: int) -> bool:
        """Tell the listener that a step was recorded; True if the training is to end."""
        if self._on_step is None:
            return False
        try:
            return self._on_step(recorder, step)
        except Exception as error:
            recorder.failure("live diagnosis", error, step)
            return False

    def failed(self, stage: str, error: BaseException | str, recorder: Recorder | None = None) -> None:
        """Note a failure of ours, in the training it belongs to or, if that is not known, in the latest; in
        `failures` as long as there is none."""
        target = recorder or next(reversed(self.log.recorders), None)
        if target is not None:
            target.failure(stage, error)
        elif len(self.failures) < MAX_FAILURES:
            self.failures.append(Failure(stage, one_line(error)))

    def contained(self, stage: str) -> Callable[[Callable[P, R]], Callable[P, R | None]]:
        """Make a hook safe: an exception in it is noted, and the hook returns None, which changes nothing."""

        def decorate(hook: Callable[P, R]) -> Callable[P, R | None]:
            @functools.wraps(hook)
            def safe(*args: P.args, **kwargs: P.kwargs) -> R | None:
                try:
                    return hook(*args, **kwargs)
                except Exception as error:
                    self._note(stage, error)
                    return None
                except KeyboardInterrupt:
                    hide_our_frames()
                    raise

            return safe

        return decorate

    def _note(self, stage: str, error: Any) -> None:
        with contextlib.suppress(Exception):  # noting a failure must not fail into the user's program either
            self.failed(stage, error)


_OURS = str(Path(__file__).resolve().parent.parent) + os.sep


def leave_traceback(error: BaseException) -> None:
    """Take our own frames, those of the calling wrapper and of what it called first, out of an exception's traceback."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None and _is_ours(frames):
        frames = frames.tb_next
    error.__traceback__ = frames


def hide_our_frames() -> None:
    """Have Python show the traceback that is coming as it would be without us: it came while we were at work.

    It is done only then, as a script may look at `sys.excepthook`; one that has its own keeps it.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _show_without_our_frames


def _show_without_our_frames(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    theirs, hands_on = None, False
    for frame in reversed(list(_chain(frames))):
        code = frame.tb_frame.f_code
        # A function of torch that hands its call on to a function mode stands in the traceback twice.
        if code.co_name == "handle_torch_function" or hands_on or _is_ours(frame):
            hands_on = code.co_name == "handle_torch_function"
            continue
        frame.tb_next = theirs
        theirs = frame
    error.__traceback__ = theirs
    sys.__excepthook__(kind, error, theirs)


def _is_ours(frame: TracebackType) -> bool:
    return frame.tb_frame.f_code.co_filename.startswith(_OURS)


def _chain(frame: TracebackType | None) -> Iterator[TracebackType]:
    while frame is not None:
        yield frame
        frame = frame.tb_next
