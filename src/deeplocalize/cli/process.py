"""The watched process: Python runs the script itself, with one file of ours loaded before it.

So everything about the run is Python's own: arguments, `__main__`, tracebacks, threads, exit handlers, exit status. We
wait, and read the trace when it is over, also when the script was killed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deeplocalize.errors import UsageError

if TYPE_CHECKING:
    from deeplocalize.diagnosis import Settings

STARTUP = Path(__file__).parent / "startup"
"""A folder that holds a sitecustomize.py, which Python imports before it runs the script."""

PASSED_ON = ("SIGTERM", "SIGHUP")


def trace_file(script: str, wanted: Path | None = None) -> Path:
    """Where the run is recorded: the file that is wanted, or a new one in a directory of the user's own.

    Raises:
        UsageError: the file exists already, or its directory does not.
    """
    if wanted is None:
        stem = re.sub(r"\W+", "-", Path(script).stem, flags=re.ASCII)[:40] or "run"
        return _own_directory() / f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.trace"
    if wanted.exists():
        raise UsageError(f"{wanted} exists already, and a trace never overwrites a file: name another one")
    if not wanted.absolute().parent.is_dir():
        raise UsageError(f"cannot write a trace to {wanted}: there is no directory {wanted.absolute().parent}")
    return wanted


def _own_directory() -> Path:
    """A directory below the temporary one that nobody else can write to."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    directory = Path(tempfile.gettempdir()) / f"deeplocalize-{user}"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
        if directory.is_dir() and not directory.is_symlink() and (user == "user" or status.st_uid == user):
            return directory
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="deeplocalize-"))  # somebody else has taken the name


def run_watched(
    arguments: Sequence[str], trace: Path, stop_on_fault: bool = False, settings: Settings | None = None
) -> int:
    """Run `python *arguments` under watch and return its exit status, 128 + n if signal n ended it."""
    command = [sys.executable, *_interpreter_flags(), *arguments]
    with _Signals() as signals:
        # Descriptors stay open: a shell may have handed some over, as in `train.py <(zcat data.gz)`.
        process = subprocess.Popen(command, env=_environment(trace, stop_on_fault, settings), close_fds=False)
        signals.process = process
        status = process.wait()
    return status if status >= 0 else 128 - status


def _interpreter_flags() -> list[str]:
    """The flags this Python was started with (-W, -X, -O, ...), but for those that would keep our file from loading."""
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [flag for flag in flags if flag not in ("-I", "-E", "-S")]


def _environment(trace: Path, stop_on_fault: bool, judged: Settings | None) -> dict[str, str]:
    """The environment, with our startup folder first on the path; the startup file puts it back as it was."""
    path = os.environ.get("PYTHONPATH")
    settings: dict[str, Any] = {"trace": str(trace.absolute()), "stop_on_fault": stop_on_fault, "PYTHONPATH": path}
    settings["settings"] = dataclasses.asdict(judged) if judged is not None else {}
    joined = f"{STARTUP}{os.pathsep}{path}" if path else str(STARTUP)
    return os.environ | {"PYTHONPATH": joined, "DEEPLOCALIZE_WATCH": json.dumps(settings)}


class _Signals:
    """While the script runs, signals are its business: we pass on those it did not get, and outlive it to report."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        for name in ("SIGINT", *PASSED_ON):
            number = getattr(signal, name, None)
            # What is ignored stays ignored, as under nohup. A handler, unlike that, is not inherited by the script.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._received)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _received(self, number: int, _frame: object) -> None:
        # Ctrl-C reaches the terminal's whole foreground group, so the script has it already.
        if self.process is not None and not (number == signal.SIGINT and _in_foreground()):
            self.process.send_signal(number)


def _in_foreground() -> bool:
    """True if Ctrl-C on the terminal that controls us would reach us."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return os.name == "nt"
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
