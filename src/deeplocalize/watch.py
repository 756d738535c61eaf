"""Watching: choose the framework's probe, give it a session, and judge what it recorded.

Nothing but the standard library is imported before something is watched: `import deeplocalize` is quick, and a script
under `deeplocalize run` can still set the variables that numpy reads once, when it is first imported.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from deeplocalize.diagnosis import Settings
    from deeplocalize.diagnosis.live import LiveDiagnosis
    from deeplocalize.frameworks.session import Session
    from deeplocalize.reports import Report

PROBES = {"torch": "TorchProbe", "keras": "KerasProbe"}


class Probe(Protocol):
    """What every framework's probe can do."""

    def install(self) -> None:
        """Watch all that the program builds and trains from now on."""

    def watch(self, model: Any, *args: Any, **kwargs: Any) -> None:
        """Watch one model."""

    def finish(self, ended: str, error: BaseException | None) -> None:
        """Write what is left; `ended` is completed, interrupted, raised or stopped."""

    def uninstall(self) -> None:
        """Put everything back as it was."""


def make_probe(framework: str, session: Session) -> Probe:
    """The probe of a framework, which has been imported by the user's program."""
    module = importlib.import_module(f"deeplocalize.frameworks.{framework}.probe")
    probe: Probe = getattr(module, PROBES[framework])(session)
    return probe


def watch(model: Any, *, optimizer: Any = None, loss: Any = None, trace: str | Path | None = None) -> Watch:
    """Watch the training of a PyTorch model in a loop of your own::

        with deeplocalize.watch(model, optimizer=optimizer, loss=criterion) as w:
            ...  # train
        print(w.diagnosis())

    Args:
        model: a `torch.nn.Module` (or a Keras model; `KerasCallback` does the same for `fit`).
        optimizer: the optimizer, or several; found by itself if it is built inside the block.
        loss: the loss module or function, if it should be named.
        trace: a new file to record to; by default the record is kept in memory.

    Raises:
        UsageError: the model is of no framework we know.
        TraceError: the trace file exists already or cannot be written.
    """
    framework = _framework_of(model)
    session, probe = _begin(framework, trace)
    return Watch(session, probe, functools.partial(_attach, probe, framework, model, optimizer, loss))


def _framework_of(model: Any) -> str:
    from deeplocalize.errors import UsageError
    from deeplocalize.frameworks.imperative import framework_of

    framework = framework_of(model)
    if framework is None:
        raise UsageError(f"watch() got {type(model).__name__!r}; it expects a torch.nn.Module or a keras.Model")
    return framework


def _attach(probe: Probe, framework: str, model: Any, optimizer: Any, loss: Any) -> None:
    if framework == "torch":
        probe.watch(model, optimizer=optimizer, loss=loss)
    else:
        probe.watch(model)


class Watch:
    """A training that is watched for the length of a `with` block. Its text is its diagnosis."""

    def __init__(self, session: Session, probe: Probe, attach: functools.partial[None]) -> None:
        self.session = session
        self._probe = probe
        self._attach = attach

    def __enter__(self) -> Watch:
        self.session.contained("watch")(self._attach)()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.session.contained("finish")(self._probe.finish)(how_it_ended(error), error)
        self.session.contained("uninstall")(self._probe.uninstall)()
        self.session.log.close()

    def diagnosis(self, settings: Settings | None = None) -> Report:
        """The diagnosis so far; inside the block too."""
        return _report(self.session, settings)

    def __str__(self) -> str:
        return str(self.diagnosis())

    def _repr_html_(self) -> str:
        return self.diagnosis()._repr_html_()


def _report(session: Session, settings: Settings | None = None) -> Report:
    from deeplocalize.reports import Report

    return Report.of(session.log.traces(), session.log.path, session.failures, settings)


def keras_callback_class() -> type:
    """The class `deeplocalize.KerasCallback`, made on first use, since its base needs Keras."""
    callback = importlib.import_module("deeplocalize.frameworks.keras.callback")
    base: Any = callback.callback_class()

    class KerasCallback(base):  # type: ignore[misc]
        """Watches every `fit` it is given to: `model.fit(..., callbacks=[watcher])`, then `watcher.diagnosis()`.

        Its text is its diagnosis. `trace` names a new file to record to; by default the record is kept in memory.
        """

        def __init__(self, trace: str | Path | None = None) -> None:
            self.session, probe = _process.get("keras") or _begin("keras", trace)
            super().__init__(probe)

        def diagnosis(self, settings: Settings | None = None) -> Report:
            """The diagnosis so far."""
            return _report(self.session, settings)

        def __str__(self) -> str:
            return str(self.diagnosis())

        def _repr_html_(self) -> str:
            return self.diagnosis()._repr_html_()

    return KerasCallback


_process: dict[str, tuple[Session, Probe]] = {}
"""The probes that watch this whole process under `deeplocalize run`; a model needs no second one."""


def _begin(framework: str, trace: str | Path | None) -> tuple[Session, Probe]:
    from deeplocalize.frameworks.session import Session
    from deeplocalize.trace import TraceLog

    session = Session(TraceLog(trace))
    return session, make_probe(framework, session)


def how_it_ended(error: BaseException | None) -> str:
    """The word for the end of a run, by the exception that ended it."""
    if error is None or isinstance(error, SystemExit):
        return "completed"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "raised"


class ProcessWatch:
    """Watches every training of this process, from the moment the script imports a framework until it exits."""

    def __init__(self, trace: str, *, stop_on_fault: bool = False, settings: dict[str, Any] | None = None) -> None:
        """Record to the new file `trace`; `settings` are those of a diagnosis, by name."""
        self._settings = settings or {}
        self._trace = Path(trace)
        self._stop_on_fault = stop_on_fault
        self._started_in = os.getcwd()
        self._pid = os.getpid()
        self._stderr = sys.stderr
        self._session: Session | None = None
        self._live: LiveDiagnosis | None = None

    def begin(self) -> None:
        """Wait for the script to import a framework; one that is imported already is watched at once."""
        from wrapt import register_post_import_hook

        for framework in PROBES:
            register_post_import_hook(functools.partial(self._imported, framework), framework)

    def _imported(self, framework: str, _module: object) -> None:
        """An exception here would come out of the user's import statement, so none may pass."""
        if os.getpid() != self._pid:
            return  # a forked child, whose parent is the one that is watched
        try:
            session = self._session or self._open()
        except Exception as error:
            self._say(f"cannot watch this run: {error}")
            return
        session.contained(f"{framework} probe")(self._install)(framework, session)

    def _open(self) -> Session:
        from deeplocalize.frameworks.session import Session
        from deeplocalize.frameworks.source import remember_start_directory
        from deeplocalize.trace import TraceLog

        remember_start_directory(self._started_in)
        self._session = Session(TraceLog(self._trace), self._listener())
        # Exit handlers run last in, first out: the file is closed once the probes have written what is left.
        atexit.register(self._session.contained("trace file")(self._close), self._session)
        return self._session

    def _listener(self) -> LiveDiagnosis | None:
        """The live diagnosis, if there is anybody to hear it or a fault is to stop the run."""
        terminal = self._stderr is not None and self._stderr.isatty()
        if not terminal and not self._stop_on_fault:
            return None
        from deeplocalize.diagnosis import Settings
        from deeplocalize.diagnosis.live import LiveDiagnosis

        say = self._say if terminal else None
        self._live = LiveDiagnosis(say, stop_on_fault=self._stop_on_fault, settings=Settings(**self._settings))
        return self._live

    def _install(self, framework: str, session: Session) -> None:
        probe = make_probe(framework, session)
        probe.install()
        _process[framework] = session, probe
        # Registered only now, after the framework's own exit handlers, so that it is still alive when ours runs.
        atexit.register(self._finish, session, probe)

    def _finish(self, session: Session, probe: Probe) -> None:
        if os.getpid() != self._pid:
            return
        # Python keeps the exception that ended the main program here: what it printed the traceback of.
        error = getattr(sys, "last_value", None)
        ended = "stopped" if self._live is not None and self._live.stopped else how_it_ended(error)
        session.contained("finish")(probe.finish)(ended, error)

    def _close(self, session: Session) -> None:
        """Write what failed while there was no training to note it in, and close the file."""
        for failure in session.failures:
            session.log.recorder().failure(failure.stage, failure.message)
        session.log.close()

    def _say(self, line: str) -> None:
        from deeplocalize.reports.text import clean

        try:
            start = "\r\x1b[2K" if self._stderr.isatty() else ""  # a progress bar of the script redraws itself
            self._stderr.write(f"{start}deeplocalize: {clean(line)}\n")
            self._stderr.flush()
        except Exception:  # a terminal that is gone is no reason to end a training
            pass
